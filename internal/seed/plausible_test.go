package seed

import (
	"testing"
	"time"

	"chelal/internal/testkit"

	"github.com/stretchr/testify/require"
)

func TestPatientsArePlausible(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	today := wednesday(t)
	_, err := Run(t.Context(), pool, Options{Patients: 8000, RNGSeed: 3, Now: today})
	require.NoError(t, err)
	share := func(condition string) float64 {
		return ask[float64](t, pool, "SELECT avg(("+condition+")::int) FROM core_patient")
	}
	requireNone(t, pool, "SELECT FROM core_patient WHERE date_of_birth NOT BETWEEN $1::date - 110 * 366 AND $1", today)
	requireNone(t, pool, "SELECT FROM core_patient WHERE NOT date_of_birth <= created_at AT TIME ZONE 'Pacific/Auckland'")
	requireNone(t, pool, "SELECT FROM core_patient WHERE NOT (created_at <= updated_at AND updated_at <= $1)",
		today)
	require.Greater(t, ask[int](t, pool, "SELECT count(DISTINCT (first_name, last_name)) FROM core_patient"), 4000)
	require.Greater(t, ask[float64](t, pool, "SELECT corr(id, extract(epoch FROM created_at)) FROM core_patient"), 0.99)

	for condition, between := range map[string][2]float64{
		"lower(gender) IN ('m', 'f', 'male', 'female')":    {0.97, 1},
		"lower(gender) IN ('f', 'female')":                 {0.48, 0.6},
		"date_of_birth > created_at - interval '1 year'":   {0.08, 0.2},
		"date_of_birth < created_at - interval '55 years'": {0.1, 0.3},
		"last_name = ''":       {0.005, 0.03},
		"known_allergies = ''": {0.65, 0.75},
		"known_allergies ILIKE 'no %' OR known_allergies ILIKE 'n_da%'": {0.02, 0.1},
		"contact_info = ''":                                                 {0.02, 0.04},
		"contact_info LIKE '%@example.%'":                                   {0.03, 0.07},
		"contact_info ~ '^[-+() .0-9]{8,20}$'":                              {0.9, 0.94},
		"address ~ ', '":                                                    {0.9, 0.99},
		"unaccent(first_name || last_name) <> first_name || last_name":      {0.04, 0.3},
		"first_name || last_name LIKE '%''%'":                               {0.005, 0.1},
		"extract(hour FROM created_at AT TIME ZONE 'Pacific/Auckland') < 6": {0.01, 0.06},
	} {
		got := share(condition)
		require.True(t, between[0] <= got && got <= between[1], "%s: %v is not in %v", condition, got, between)
	}
}

func TestAppointmentsArePlausible(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	today := wednesday(t)
	_, err := Run(t.Context(), pool, Options{Patients: 2000, Appointments: 30_000, RNGSeed: 3, Now: today})
	require.NoError(t, err)
	requireNoOverlaps(t, pool)
	requireNone(t, pool, `SELECT FROM core_appointment WHERE extract(dow FROM date) = 0 OR extract(second FROM time) <> 0
		OR time NOT BETWEEN '08:00' AND '16:30' OR extract(minute FROM time) NOT IN (0, 30)`)
	requireNone(t, pool, "SELECT FROM core_appointment WHERE date < $1 AND status NOT IN ('completed', 'cancelled', 'no_show')", today)
	requireNone(t, pool, "SELECT FROM core_appointment WHERE date > $1 AND status NOT IN ('scheduled', 'confirmed', 'cancelled')", today)
	require.Greater(t, ask[int](t, pool, "SELECT count(DISTINCT status) FROM core_appointment WHERE date = $1", today), 4)
	requireNone(t, pool, `SELECT FROM core_appointment a JOIN core_patient p ON p.id = a.patient_id
		WHERE a.created_at < p.created_at OR a.updated_at < a.created_at
		   OR a.created_at > (a.date + a.time) AT TIME ZONE 'Pacific/Auckland' OR a.updated_at > $1`, today)
	require.Greater(t, ask[float64](t, pool, "SELECT avg((notes = '')::int) FROM core_appointment"), 0.6)
	often := ask[int](t, pool, "SELECT max(n) FROM (SELECT count(*) n FROM core_appointment GROUP BY patient_id) v")
	require.Greater(t, often, 60, "some come far more often than others, who come fifteen times")
}

// Clocks go forward at midnight in Cairo: a day without its first hour is one day still.
func TestDaysWithoutMidnightCountOnce(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	_, err := Run(t.Context(), pool, Options{
		Patients: 500, Appointments: 3000, Doctors: 3, Now: dayIn(t, "Africa/Cairo", 2026, time.April, 24),
	})
	require.NoError(t, err)
	requireNoOverlaps(t, pool)
	require.Positive(t, ask[int](t, pool, "SELECT count(*) FROM core_appointment WHERE date = '2026-04-24'"))
	requireNone(t, pool, "SELECT FROM core_appointment WHERE extract(dow FROM date) = 0")
}
