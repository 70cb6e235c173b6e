package listing_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/listing"
	"chelal/internal/testkit"
)

// fillAccounts makes 200,000 notifications and attempts to sign in, a tenth of each of one
// user, and a request for a role of each of 20,000 users.
func fillAccounts(t *testing.T, pool *pgxpool.Pool) (busy int64) {
	t.Helper()
	ctx := context.Background()
	for _, statement := range []string{
		`INSERT INTO core_user (username, password) SELECT 'user' || md5(n::text), '!' FROM generate_series(1, 20000) n`,
		`INSERT INTO core_notification (user_id, message, type, is_read, created_at)
			SELECT CASE n % 10 WHEN 0 THEN first ELSE first + n % 20000 END, 'x', (ARRAY ['low_stock', 'appointment_booked'])[n % 7 / 6 + 1],
				n % 100 > 0, '2026-01-01Z'::timestamptz + n * interval '1 minute'
			FROM generate_series(1, 200000) n, (SELECT min(id) AS first FROM core_user) u`,
		`INSERT INTO core_loginactivity (user_id, username, timestamp, ip_address, user_agent, status)
			SELECT CASE n % 10 WHEN 0 THEN first ELSE first + n % 20000 END, 'x', '2026-01-01Z'::timestamptz + n * interval '1 minute',
				'10.0.0.0'::inet + n % 5000, 'Mozilla/5.0', CASE WHEN n % 200 = 0 THEN 'failure' ELSE 'success' END
			FROM generate_series(1, 200000) n, (SELECT min(id) AS first FROM core_user) u`,
		`INSERT INTO core_rolechangerequest (user_id, requested_role_id, status, created_at)
			SELECT u.id, r.id, CASE WHEN u.id % 200 = 0 THEN 'pending' ELSE 'approved' END, '2026-01-01Z'::timestamptz + u.id * interval '1 minute'
			FROM core_user u JOIN core_role r ON r.name = 'Nurse'`,
		"VACUUM ANALYZE core_user", "VACUUM ANALYZE core_notification", "VACUUM ANALYZE core_loginactivity",
		"VACUUM ANALYZE core_rolechangerequest",
	} {
		_, err := pool.Exec(ctx, statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, pool.QueryRow(ctx, "SELECT min(id) FROM core_user").Scan(&busy))
	return busy
}

// TestAccountsAtScale holds that what an account gathers over the years is listed without
// reading whole tables.
func TestAccountsAtScale(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	busy := fillAccounts(t, pool)
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

	own := listing.NotificationsOf(busy)
	for _, ordering := range []string{"created_at", "-created_at"} {
		for name, where := range map[string][]listing.Condition{
			"own": {own}, "read": {own, listing.NotificationsRead(true)}, "unread": {own, listing.NotificationsRead(false)},
			"of a type": {own, listing.NotificationsAbout("low_stock")}, "of no type": {own, listing.NotificationsAbout("x")},
			"unread of a type": {own, listing.NotificationsAbout("low_stock"), listing.NotificationsRead(false)},
			"somebody's":       {listing.NotificationsOf(busy + 7)},
		} {
			readWithoutScan(t, pool, listing.Notifications, name, ordering, where)
		}
	}
	for _, ordering := range []string{"timestamp", "-timestamp"} {
		for name, where := range map[string][]listing.Condition{
			"all": nil, "of a user": {listing.LoginActivityOf(busy)}, "of another": {listing.LoginActivityOf(busy + 7)},
			"failures": {listing.LoginActivityEnded("failure")}, "in no state": {listing.LoginActivityEnded("blocked")},
			"from an address": {listing.LoginActivityAt(netip.MustParseAddr("10.0.0.7"))},
			"of a day":        {listing.LoginActivityFrom(day), listing.LoginActivityUntil(day.AddDate(0, 0, 1))},
			"a user's failures of a day": {listing.LoginActivityOf(busy), listing.LoginActivityEnded("failure"),
				listing.LoginActivityFrom(day), listing.LoginActivityUntil(day.AddDate(0, 0, 1))},
		} {
			readWithoutScan(t, pool, listing.LoginActivity, name, ordering, where)
		}
	}
	for _, ordering := range []string{"created_at", "-created_at", "-id"} {
		for name, where := range map[string][]listing.Condition{
			"all": nil, "own": {listing.RoleChangeRequestsOf(busy + 7)}, "pending": {listing.RoleChangeRequestsIn("pending")},
			"by a name": listing.RoleChangeRequestsFound("user" + strings.Repeat("f", 8)),
		} {
			readWithoutScan(t, pool, listing.RoleChangeRequests, name, ordering, where)
		}
	}
}

// readWithoutScan reads the first two pages of a list, by number and by cursor.
func readWithoutScan[R any](t *testing.T, pool *pgxpool.Pool, list listing.List[R], name, ordering string, where []listing.Condition) {
	t.Helper()
	ctx := context.Background()
	for _, request := range []listing.Request{
		{Ordering: ordering, Page: 1, Size: 20, Where: where}, {Ordering: ordering, Size: 20, Cursor: new(""), Where: where},
	} {
		w := &watched{DB: pool, t: t}
		page, err := list.Read(ctx, w, request)
		require.NoError(t, err)
		require.LessOrEqual(t, w.statements, 3)
		if page.Next != "" {
			request.Cursor = &page.Next
			_, err = list.Read(ctx, w, request)
			require.NoError(t, err)
		}
		for _, plan := range w.plans {
			if strings.Contains(plan, "WHERE true\n LIMIT 10001") {
				continue // counts the first 10,001 rows, whichever come first
			}
			// The months to come are empty, and to scan them is no work.
			for _, table := range []string{"core_notification", "core_loginactivity_before", "core_rolechangerequest", "core_user"} {
				require.NotContains(t, plan, "Seq Scan on "+table, "%s, %s: %s", name, ordering, plan)
			}
		}
	}
}
