package timezone_test

import (
	"context"
	"log/slog"
	"testing"
	"time"
	_ "time/tzdata" // zones, where the machine has none

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/testkit"
	"chelal/internal/timezone"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func apply(t *testing.T, pool *pgxpool.Pool, name string) {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	store := &change.Store{DB: pool, Now: time.Now}
	require.NoError(t, timezone.Apply(t.Context(), store, zone, slog.New(slog.DiscardHandler)))
}

func read(t *testing.T, pool *pgxpool.Pool, id int64) db.CoreAppointment {
	t.Helper()
	row, err := db.New().AppointmentGet(t.Context(), pool, id, nil)
	require.NoError(t, err)
	return row.CoreAppointment
}

// revenueDay is the only day on which something was paid.
func revenueDay(t *testing.T, pool *pgxpool.Pool) (day string) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT to_char(bucket AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM core_figure_current
		WHERE name = 'revenue' AND isfinite(bucket) GROUP BY bucket HAVING sum(amount) <> 0`).Scan(&day))
	return day
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestAppointmentsKeepTheirTimeOnTheClock(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	patient, doctor := testkit.Patient(t, pool, nil).ID, testkit.User(t, pool, "Doctor").ID
	// Hours apart: while they move one after the other, each passes over the next.
	var ids []int64
	for hour := range 8 {
		ids = append(ids, testkit.Appointment(t, pool, patient, doctor, at("2026-12-01T08:00:00Z").Add(time.Duration(hour)*time.Hour)).ID)
	}
	bill := testkit.Bill(t, pool, patient, "10.00")
	_, err := pool.Exec(t.Context(), "INSERT INTO core_payment (bill_id, amount, method, payment_date) VALUES ($1, 10, 'Cash', '2026-11-30T22:00:00Z')", bill.ID)
	require.NoError(t, err)
	require.Equal(t, "2026-11-30", revenueDay(t, pool))
	apply(t, pool, "Africa/Nairobi")
	require.Equal(t, "2026-12-01", revenueDay(t, pool), "it was paid after midnight")
	first := read(t, pool, ids[0])
	require.Equal(t, "08:00:00", first.Time.String())
	require.Equal(t, at("2026-12-01T05:00:00Z"), first.StartsAt)
	require.Equal(t, at("2026-12-01T05:30:00Z"), first.EndsAt)
	require.EqualValues(t, 2, first.Version)
	for _, id := range ids {
		require.Empty(t, read(t, pool, id).OverbookReason)
	}

	apply(t, pool, "Africa/Nairobi")
	require.EqualValues(t, 2, read(t, pool, ids[0]).Version, "the same zone changes nothing")

	var description, details string
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT description, details::text FROM core_auditlog
		WHERE object_type = 'hospital'`).Scan(&description, &details))
	require.JSONEq(t, `{"before": {"zone": "UTC"}, "after": {"zone": "Africa/Nairobi"}}`, details)
}

// TestWhatComesToOverlapIsMarked: on 29 March 2026 Berlin's clocks jump from 2:00 to 3:00,
// so what was booked at 2:30 falls on what was booked at 3:30.
func TestWhatComesToOverlapIsMarked(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	patient, other, doctor := testkit.Patient(t, pool, nil).ID, testkit.Patient(t, pool, nil).ID, testkit.User(t, pool, "Doctor").ID
	colleague := testkit.User(t, pool, "Doctor").ID
	inTheGap := testkit.Appointment(t, pool, patient, doctor, at("2026-03-29T02:30:00Z")).ID
	sameDoctor := testkit.Appointment(t, pool, other, doctor, at("2026-03-29T03:30:00Z")).ID
	samePatient := testkit.Appointment(t, pool, patient, colleague, at("2026-03-29T03:30:00Z")).ID
	elsewhere := testkit.Appointment(t, pool, other, doctor, at("2026-03-29T09:00:00Z")).ID

	apply(t, pool, "Europe/Berlin")
	require.Equal(t, at("2026-03-29T01:30:00Z"), read(t, pool, inTheGap).StartsAt)
	require.Empty(t, read(t, pool, inTheGap).OverbookReason)
	require.NotEmpty(t, read(t, pool, sameDoctor).OverbookReason)
	require.NotEmpty(t, read(t, pool, samePatient).OverbookReason)
	require.Empty(t, read(t, pool, elsewhere).OverbookReason)
}

func TestManyProcessesStartAtOnce(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	id := testkit.Appointment(t, pool, testkit.Patient(t, pool, nil).ID, testkit.User(t, pool, "Doctor").ID, at("2026-12-01T08:00:00Z")).ID
	zone, err := time.LoadLocation("Pacific/Apia")
	require.NoError(t, err)
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			store := &change.Store{DB: pool, Now: time.Now}
			return timezone.Apply(context.Background(), store, zone, slog.New(slog.DiscardHandler))
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, at("2026-11-30T19:00:00Z"), read(t, pool, id).StartsAt)
	require.EqualValues(t, 2, read(t, pool, id).Version)
}
