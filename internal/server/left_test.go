package server_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/server"
	"chelal/internal/testkit"
)

// TestWhoLeavesIsNoFailure holds up a request until its caller has left: a page that is closed
// must not look as though the server failed.
func TestWhoLeavesIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"core_patient", "core_auditlog"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			pool := testkit.Pool(t)
			log := &lockedBuffer{}
			status := make(chan int, 2)
			b := setupOn(t, pool, func(o *server.Options) {
				o.Log = slog.New(slog.NewJSONHandler(log, nil))
				o.Answered = func(_, _ string, answered int, _ time.Duration) { status <- answered }
			})
			nurse := b.as("Nurse")
			testkit.Patient(t, pool, nil)
			tx, err := pool.Begin(t.Context())
			require.NoError(t, err)
			defer func() { _ = tx.Rollback(context.Background()) }() // where the test failed
			_, err = tx.Exec(t.Context(), "LOCK TABLE "+table)
			require.NoError(t, err)

			get := func(ctx context.Context) {
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/patients/", nil)
				r.Header.Set("Authorization", "Bearer "+nurse.doer.Token)
				go b.handler.ServeHTTP(httptest.NewRecorder(), r)
			}
			get(t.Context()) // who comes first sees to it that the log is written for all
			require.Eventually(t, func() bool {
				var waits bool
				require.NoError(t, tx.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass)", table).Scan(&waits))
				return waits
			}, time.Minute, time.Millisecond)
			ctx, leave := context.WithCancel(t.Context())
			get(ctx)
			time.AfterFunc(50*time.Millisecond, leave)
			require.Equal(t, 499, <-status)
			require.NoError(t, tx.Rollback(t.Context()))
			require.Equal(t, 200, <-status)
			require.Contains(t, log.String(), `"level":"INFO","msg":"request"`)
			require.NotContains(t, log.String(), "WARN")
			require.NotContains(t, log.String(), "ERROR")
		})
	}
}
