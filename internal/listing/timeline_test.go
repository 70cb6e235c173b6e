package listing_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/listing"
	"chelal/internal/testkit"
)

// clinic makes a hundred thousand rows of each kind of a timeline: patient 1 has 200 of
// each, thousands of others the rest.
var clinic = []string{
	`INSERT INTO core_user (id, username, password) SELECT -n, 'doctor ' || n, '!' FROM generate_series(1, 50) n`,
	`INSERT INTO core_patient (id, first_name, last_name, date_of_birth, gender)
		SELECT n, 'A', 'B', '1990-01-15', 'F' FROM generate_series(1, 5000) n`,
	`CREATE TEMPORARY TABLE entry AS
		SELECT n AS id, CASE WHEN n % 500 = 0 THEN 1 ELSE 2 + n % 4999 END AS patient_id, -1 - n % 50 AS doctor_id,
			'2020-01-01T08:00:00Z'::timestamptz + n * interval '10 minutes' AS at
		FROM generate_series(1, 100000) n`,
	`INSERT INTO core_appointment (id, patient_id, doctor_id, date, time, starts_at, ends_at, status)
		SELECT id, patient_id, doctor_id, at::date, at::time, at, at + interval '1 minute', 'completed' FROM entry`,
	`INSERT INTO core_encounter (id, patient_id, doctor_id, notes, created_at) SELECT id, patient_id, doctor_id, 'x', at FROM entry`,
	`INSERT INTO core_prescription (encounter_id, medication_name, dosage, frequency, created_at)
		SELECT id, 'Amoxicillin', '1', '1', at FROM entry`,
	`INSERT INTO core_bill (id, patient_id, date_issued, total_amount) SELECT id, patient_id, at, 1 FROM entry`,
	`INSERT INTO core_payment (bill_id, amount, method, payment_date) SELECT id, 1, 'Cash', at FROM entry`,
	`ANALYZE core_user, core_patient, core_appointment, core_encounter, core_prescription, core_bill, core_payment`,
}

// TestTimelineAtScale holds that a page of a timeline is one statement that reads no
// table through, also once PostgreSQL plans it without looking at the values.
func TestTimelineAtScale(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	config, err := pgxpool.ParseConfig(testkit.URL(t))
	require.NoError(t, err)
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(ctx, config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	for _, sql := range clinic {
		_, err := pool.Exec(ctx, sql)
		require.NoError(t, err)
	}
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		_, err := pool.Exec(ctx, "SET plan_cache_mode = "+mode)
		require.NoError(t, err)
		for _, kind := range []string{"", "appointment", "payment"} {
			w := &watched{DB: pool, t: t}
			seen := 0
			for cursor, more := "", true; more; {
				page, err := listing.Timeline(ctx, w, 1, kind, listing.Request{Size: 150, Cursor: &cursor})
				require.NoError(t, err)
				seen, cursor, more = seen+len(page.Rows), page.Next, page.More
			}
			if kind == "" {
				require.Equal(t, 5*200, seen)
				require.Equal(t, 7, w.statements)
			}
			for _, plan := range w.plans {
				for _, table := range []string{"appointment", "encounter", "prescription", "bill", "payment"} {
					require.NotContains(t, plan, "Seq Scan on core_"+table, mode)
				}
			}
		}
	}
}
