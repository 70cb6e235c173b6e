package server_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// mailsOf answers what mails were prepared for a patient, each with its job.
func mailsOf(t *testing.T, b *bundle, patient int64) []string {
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
	k := newClinic(t)
	admin, second := k.as("Admin"), testkit.Patient(t, k.db, nil).ID
	path := k.book("2025-06-10", "10:00")
	require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"notes": "brings her own films"}).status)
	require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"date": "2025-06-11"}).status)
	k.desk.call("PATCH", path, map[string]any{"date": "2025-06-12", "doctor": 0}).refused(t, 400, "invalid")
	require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"patient": second}).status)
	require.Equal(t, 204, admin.call("DELETE", path, nil).status)
	require.Equal(t, []string{"booked 2025-06-10", "rescheduled 2025-06-11", "cancelled 2025-06-11"}, mailsOf(t, k.bundle, k.patient.ID))
	require.Equal(t, []string{"booked 2025-06-11", "cancelled 2025-06-11"}, mailsOf(t, k.bundle, second))
}
