package server_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// mailsOf answers what mails were prepared for a patient, each with its job.
func mailsOf(t *testing.T, b *bench, patient int64) []string {
	t.Helper()
	rows, err := b.db.Query(context.Background(), `SELECT format('%s %s', m.kind, m.date) FROM core_maildelivery m
		JOIN river.river_job j ON j.kind = 'send_mail' AND j.args = jsonb_build_object('delivery_id', m.id)
		WHERE m.patient_id = $1 ORDER BY m.id`, patient)
	require.NoError(t, err)
	mails, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return mails
}

func TestMailsAreAskedForWithTheChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	admin, doctor := b.as("Admin"), testkit.User(t, b.db, "Doctor")
	first, second := testkit.Patient(t, b.db, nil).ID, testkit.Patient(t, b.db, nil).ID
	booked := admin.call("POST", "/api/appointments/", map[string]any{
		"patient": first, "doctor": doctor.ID, "date": "2031-03-03", "time": "10:00", "duration_minutes": 30,
	}).ok(t, 201)
	path := fmt.Sprintf("/api/appointments/%.0f/", booked.body["id"])
	admin.call("PATCH", path, map[string]any{"notes": "brings her own films"}).ok(t, 200)
	admin.call("PATCH", path, map[string]any{"date": "2031-03-04"}).ok(t, 200)
	admin.call("PATCH", path, map[string]any{"status": "no_such"}).refused(t, 400, "invalid")
	admin.call("PATCH", path, map[string]any{"patient": second}).ok(t, 200)
	admin.call("DELETE", path, nil).ok(t, 204)
	require.Equal(t, []string{"booked 2031-03-03", "rescheduled 2031-03-04", "cancelled 2031-03-04"}, mailsOf(t, b, first))
	require.Equal(t, []string{"booked 2031-03-04", "cancelled 2031-03-04"}, mailsOf(t, b, second))
}
