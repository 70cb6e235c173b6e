package listing_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/listing"
	"chelal/internal/testkit"
)

// fillAudit writes a log of four months, most of it views, every tenth of these of twenty
// patients, and returns the first of the months.
func fillAudit(t testing.TB, pool *pgxpool.Pool, rows int) time.Time {
	t.Helper()
	ctx := context.Background()
	now := time.Now().UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	_, err := pool.Exec(ctx, fmt.Sprintf(`INSERT INTO core_auditlog (user_id, username, action, object_type, object_id, patient_id,
			description, timestamp, request_id, ip_address, patient_ids)
		SELECT n %% 40, 'user' || n %% 40, CASE WHEN n %% 50 = 0 THEN 'edit' WHEN n %% 997 = 0 THEN 'login' ELSE 'view' END,
			'patient', CASE WHEN n %% 10 <> 1 THEN n %% 9000 END, CASE WHEN n %% 10 <> 1 THEN n %% 9000 END, CASE WHEN n %% 5000 = 0 THEN 'merged by hand' ELSE 'listPatients' END,
			$1::timestamptz + n * interval '110 days' / %[1]d, n::text, '192.0.2.1',
			CASE WHEN n %% 10 = 1 THEN ARRAY(SELECT (n * 20 + i) %% 9000 FROM generate_series(1, 20) i) END
		FROM generate_series(1, %[1]d) n`, rows), month)
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "ANALYZE core_auditlog")
	require.NoError(t, err)
	return month
}

func auditRequests(month time.Time) map[string][]listing.Condition {
	day := month.AddDate(0, 1, 3)
	return map[string][]listing.Condition{
		"all":          nil,
		"of a user":    {listing.DeedsOf(7)},
		"sign-ins":     {listing.DeedsBy("login")},
		"of a patient": {listing.DeedsAbout(77)},
		"of a record":  {listing.DeedsTo("patient"), listing.DeedsToRecord("77")},
		"of a request": {listing.DeedsByRequest("77")},
		"by words":     listing.DeedsFound("merged hand"),
		"of a day":     {listing.DeedsFrom(day), listing.DeedsUntil(day.AddDate(0, 0, 1))},
		"own record":   {listing.DeedsAboutRecordOf(7)},
	}
}

// TestAuditLogAtScale holds that no list of the log reads a whole month, whatever it is
// narrowed by, and that days narrow it to their months.
func TestAuditLogAtScale(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := testkit.Pool(t)
	month := fillAudit(t, pool, 100_000)
	for asked, where := range auditRequests(month) {
		for _, ordering := range []string{"-timestamp", "timestamp"} {
			for _, request := range []listing.Request{
				{Ordering: ordering, Page: 1, Size: 50, Where: where}, {Ordering: ordering, Size: 50, Cursor: new(""), Where: where},
			} {
				w := &watched{DB: pool, t: t}
				_, err := listing.AuditLogs.Read(ctx, w, request)
				require.NoError(t, err)
				require.LessOrEqual(t, w.statements, 3)
				for _, plan := range w.plans {
					if strings.Contains(plan, "WHERE true\n LIMIT 10001") {
						continue // counts the first 10,001 rows, whichever come first
					}
					require.NotContains(t, plan, "Seq Scan on core_auditlog_20", "%s, %s: %s", asked, ordering, plan)
					if asked == "of a day" {
						require.Contains(t, plan, month.AddDate(0, 1, 0).Format("core_auditlog_200601"), plan)
						require.NotContains(t, plan, month.Format("core_auditlog_200601"), plan)
						require.NotContains(t, plan, "core_auditlog_default", plan)
					}
				}
			}
		}
	}
}

// BenchmarkAuditLists reads each list, with its count, of a log of a million rows.
func BenchmarkAuditLists(b *testing.B) {
	pool := testkit.Pool(b)
	for asked, where := range auditRequests(fillAudit(b, pool, 1_000_000)) {
		b.Run(asked, func(b *testing.B) {
			for b.Loop() {
				_, err := listing.AuditLogs.Read(b.Context(), pool, listing.Request{Ordering: "-timestamp", Page: 1, Size: 20, Where: where})
				require.NoError(b, err)
			}
		})
	}
}
