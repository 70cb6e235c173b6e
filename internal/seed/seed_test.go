package seed

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// wednesday is a day in a zone that is far from the database's.
func wednesday(t *testing.T) time.Time { return dayIn(t, "Pacific/Auckland", 2026, time.March, 18) }

func dayIn(t *testing.T, zone string, year int, month time.Month, day int) time.Time {
	t.Helper()
	location, err := time.LoadLocation(zone)
	require.NoError(t, err)
	return time.Date(year, month, day, 15, 20, 0, 0, location)
}

// ask returns the one value that a query selects.
func ask[T any](t *testing.T, pool *pgxpool.Pool, query string, args ...any) (value T) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), query, args...).Scan(&value))
	return value
}

// requireNone asserts that a query selects no row.
func requireNone(t *testing.T, pool *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	require.Zero(t, ask[int](t, pool, "SELECT count(*) FROM ("+query+") found", args...), query)
}

func requireNoOverlaps(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, who := range []string{"doctor_id", "patient_id"} {
		requireNone(t, pool, `SELECT FROM core_appointment WHERE status <> 'cancelled'
			GROUP BY `+who+`, date, time HAVING count(*) > 1`)
	}
}

func TestRunRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	for code, o := range map[string]Options{
		"invalid_count":         {Patients: -1},
		"no_patients":           {Appointments: 1},
		"too_many_appointments": {Patients: 3, Appointments: 3000},
	} {
		o.Now = wednesday(t)
		_, err := Run(t.Context(), pool, o)
		require.ErrorIs(t, err, apperr.New(apperr.Invalid, code, ""))
	}
	require.Zero(t, ask[int](t, pool, "SELECT (SELECT count(*) FROM core_patient) + (SELECT count(*) FROM core_user)"))
}

func TestRunAddsWhatItSays(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	last := map[string]string{}
	result, err := Run(t.Context(), pool, Options{
		Patients: 700, Appointments: 900, Now: wednesday(t),
		Progress: func(step string, done, total int) { last[step] = fmt.Sprint(done, " of ", total) },
	})
	require.NoError(t, err)
	require.Equal(t, [3]int{700, 900, 3}, [3]int{result.Patients, result.Appointments, result.Doctors})
	require.Equal(t, result.Encounters, ask[int](t, pool, "SELECT count(*) FROM core_encounter"))
	require.Equal(t, result.Prescriptions, ask[int](t, pool, "SELECT count(*) FROM core_prescription"))
	require.Equal(t, result.Bills, ask[int](t, pool, "SELECT count(*) FROM core_bill"))
	require.Equal(t, result.Payments, ask[int](t, pool, "SELECT count(*) FROM core_payment"))
	require.Equal(t, map[string]string{
		"patients": "700 of 700", "doctors": "3 of 3", "appointments": "900 of 900", "care and billing": "900 of 900",
		"stock": "1 of 1", "everyday": "5 of 5", "figures": "1 of 1", "statistics": "1 of 1",
	}, last)
	require.Equal(t, 700, ask[int](t, pool, "SELECT count(*) FROM core_patient"))
	require.Equal(t, 900, ask[int](t, pool, "SELECT count(*) FROM core_appointment"))
	require.Equal(t, 3, ask[int](t, pool, `SELECT count(*) FROM core_user u JOIN core_role r ON r.id = u.role_id
		WHERE r.name = 'Doctor' AND u.is_active AND u.password = '!' AND u.username ~ '^dr\.[a-z]+\.[0-9]+$'`))
}
