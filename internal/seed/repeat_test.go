package seed

import (
	"context"
	"testing"

	"chelal/internal/testkit"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// contents is a digest of everything that the seed decides.
func contents(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	return ask[string](t, pool, `SELECT md5(concat(
		(SELECT string_agg(concat_ws('|', id, first_name, last_name, date_of_birth, gender, contact_info, address,
			known_allergies, extract(epoch FROM created_at), extract(epoch FROM updated_at)), ';' ORDER BY id)
			FROM core_patient),
		(SELECT string_agg(concat_ws('|', id, username, first_name, last_name), ';' ORDER BY id) FROM core_user),
		(SELECT string_agg(concat_ws('|', id, patient_id, doctor_id, date, time, status, notes,
			extract(epoch FROM created_at), extract(epoch FROM updated_at)), ';' ORDER BY id) FROM core_appointment)))`)
}

func TestRunIsDecidedByItsSeed(t *testing.T) {
	t.Parallel()
	var seen []string
	for _, seed := range []uint64{7, 7, 8} {
		pool := testkit.Pool(t)
		_, err := Run(t.Context(), pool, Options{Patients: 2000, Appointments: 2000, RNGSeed: seed, Now: wednesday(t)})
		require.NoError(t, err)
		seen = append(seen, contents(t, pool))
	}
	require.Equal(t, seen[0], seen[1])
	require.NotEqual(t, seen[0], seen[2])
}

func TestRunAgainAddsAgain(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	for _, o := range []Options{
		{Patients: 500, Appointments: 800},
		{Patients: 500, Appointments: 800},
		{Appointments: 800},
		{Appointments: 800},
		{Doctors: 2},
	} {
		o.Now = wednesday(t)
		_, err := Run(t.Context(), pool, o)
		require.NoError(t, err)
	}
	require.Equal(t, 1000, ask[int](t, pool, "SELECT count(*) FROM core_patient WHERE merged_into_id IS NULL"))
	require.Equal(t, 3200, ask[int](t, pool, "SELECT count(*) FROM core_appointment"))
	require.Equal(t, 14, ask[int](t, pool, "SELECT count(*) FROM core_user WHERE username LIKE 'dr.%'"))
	requireNoOverlaps(t, pool)
}

// Patients who registered a moment ago may have had appointments, though not before
// they were born.
func TestRunServesPatientsOfToday(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO core_patient (first_name, last_name, date_of_birth, gender)
		SELECT 'Amina', 'Said', date '2026-03-01' - 10 * n, 'F' FROM generate_series(1, 100) n`)
	require.NoError(t, err)
	_, err = Run(t.Context(), pool, Options{Appointments: 500, Now: wednesday(t)})
	require.NoError(t, err)
	requireNone(t, pool, `SELECT FROM core_appointment a JOIN core_patient p ON p.id = a.patient_id
		WHERE a.date <= p.date_of_birth`)
}

// A hospital gets a past, and its present stays as it was.
func TestRunEndsBeforeADay(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	present, today := wednesday(t), "SELECT count(*) FROM core_appointment WHERE date >= '2026-03-18'"
	_, err := Run(t.Context(), pool, Options{Patients: 250, Appointments: 750, Now: present})
	require.NoError(t, err)
	before := ask[int](t, pool, today)
	require.Positive(t, before)

	for _, patients := range []int{250, 5000} {
		past, err := Run(t.Context(), pool, Options{Patients: patients, Appointments: 3 * patients, Doctors: 9, RNGSeed: 2, Now: present, Until: present})
		require.NoError(t, err)
		require.Equal(t, [3]int{patients, 3 * patients, 9}, [3]int{past.Patients, past.Appointments, past.Doctors})
	}
	require.Equal(t, before, ask[int](t, pool, today))
	requireNoOverlaps(t, pool)
}

func indexes(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT concat_ws(' ', indexrelid::regclass, indisvalid, pg_get_indexdef(indexrelid))
		FROM pg_index WHERE indrelid::regclass::text LIKE 'core\_%' ORDER BY 1`)
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return found
}

func TestRunBringsIndexesBack(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	_, err := pool.Exec(t.Context(), "SELECT core_auditlog_partitions(0, 1)") // a run makes last month's
	require.NoError(t, err)
	before := indexes(t, pool)
	rebuilt := map[string]int{}
	_, err = Run(t.Context(), pool, Options{
		Patients: 10_000, Appointments: 10_000, Now: wednesday(t),
		Progress: func(step string, _, total int) { rebuilt[step] = total },
	})
	require.NoError(t, err)
	require.Equal(t, before, indexes(t, pool))
	require.Positive(t, rebuilt["patients indexes"])
	require.Positive(t, rebuilt["appointments indexes"])
	requireNoOverlaps(t, pool)
}

// However far Run has come, nothing stays when it is stopped.
func TestRunStoppedLeavesNothing(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	before := indexes(t, pool)
	for _, stop := range []string{"patients", "patients indexes", "appointments", "appointments indexes", "care and billing", "stock",
		"care and billing indexes", "everyday", "figures", "statistics"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Run(ctx, pool, Options{
			Patients: 10_000, Appointments: 10_000, Now: wednesday(t),
			Progress: func(step string, done, total int) {
				if step == stop && 2*done >= total {
					cancel()
				}
			},
		})
		cancel()
		require.ErrorIs(t, err, context.Canceled, stop)
		require.Zero(t, ask[int](t, pool, `SELECT (SELECT count(*) FROM core_patient)
			+ (SELECT count(*) FROM core_user) + (SELECT count(*) FROM core_appointment)`), stop)
		require.Equal(t, before, indexes(t, pool), stop)
	}
}
