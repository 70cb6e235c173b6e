package worker_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/testkit"
	"chelal/internal/worker"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestExpireRunsAtTheStartAndRemovesOnlyWhatIsPastItsTime(t *testing.T) {
	pool, ctx := testkit.Pool(t), t.Context()
	now := time.Now().UTC()
	user := testkit.User(t, pool, "Doctor")
	q := db.New()
	lasting := addSession(t, pool, user.ID, now.Add(time.Minute))
	addSession(t, pool, user.ID, now.Add(-time.Minute))
	for hash, expires := range map[string]time.Time{"dead": now.Add(-time.Second), "alive": now.Add(time.Hour)} {
		require.NoError(t, q.RefreshTokenCreate(ctx, pool, db.RefreshTokenCreateParams{
			SessionID: lasting, TokenHash: []byte(hash), Now: now, ExpiresAt: expires,
		}))
	}
	for key, made := range map[string]time.Time{"old": now.Add(-25 * time.Hour), "fresh": now.Add(-23 * time.Hour)} {
		require.NoError(t, q.IdempotencyStore(ctx, pool, db.IdempotencyStoreParams{
			Operation: "test", Key: key, RequestHash: []byte("h"), Status: 201, Header: []byte("{}"), Body: []byte("{}"), Now: made,
		}))
	}

	work(t, pool, now, "expire")

	require.Equal(t, 1, count(t, pool, "core_session"))
	require.Equal(t, 1, count(t, pool, "core_refreshtoken"))
	require.Equal(t, 1, count(t, pool, "core_idempotencykey"))
}

func TestExpireMakesTheNextAuditPartitions(t *testing.T) {
	pool := testkit.Pool(t)
	month := time.Now().UTC().AddDate(0, 0, 1-time.Now().UTC().Day()).AddDate(0, 3, 0).Format("core_auditlog_200601")
	_, err := pool.Exec(t.Context(), "DROP TABLE "+month)
	require.NoError(t, err)
	work(t, pool, time.Now(), "expire")
	require.Equal(t, 0, count(t, pool, month))
}

func TestFoldFiguresLeavesNoDifference(t *testing.T) {
	pool := testkit.Pool(t)
	for range 3 {
		testkit.Patient(t, pool, nil)
	}
	require.Equal(t, 6, count(t, pool, "core_figuredelta"))
	work(t, pool, time.Now(), "fold_figures")
	require.Zero(t, count(t, pool, "core_figuredelta"))
	totals, err := db.New().FigureTotals(t.Context(), pool, []string{"patients"})
	require.NoError(t, err)
	require.Equal(t, []db.FigureTotalsRow{{Name: "patients", Count: 3}}, totals)
}

// work starts a client and stops it when the first job of a kind is done.
func work(t *testing.T, pool *pgxpool.Pool, now time.Time, kind string) {
	t.Helper()
	workWith(t, pool, now, kind, make(chan uuid.UUID, 100))
}

// workWith is work that tells which batches of offline operations were to be worked on.
func workWith(t *testing.T, pool *pgxpool.Pool, now time.Time, kind string, batches chan<- uuid.UUID) {
	t.Helper()
	client, err := worker.New(worker.Options{
		Pool: pool, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		WorkSyncBatch: func(_ context.Context, batch uuid.UUID) error {
			batches <- batch
			return nil
		},
	})
	require.NoError(t, err)
	done, cancel := client.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed)
	defer cancel()
	require.NoError(t, client.Start(t.Context()))
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for finished := ""; finished != kind; {
		select {
		case e := <-done:
			require.Equal(t, river.EventKindJobCompleted, e.Kind, e.Job.Kind)
			finished = e.Job.Kind
		case <-ctx.Done():
			require.Fail(t, "the job did not run")
		}
	}
	require.NoError(t, client.Stop(ctx))
}

func addSession(t *testing.T, pool *pgxpool.Pool, userID int64, expires time.Time) uuid.UUID {
	t.Helper()
	id := uuid.New()
	require.NoError(t, db.New().SessionCreate(t.Context(), pool, db.SessionCreateParams{
		ID: id, UserID: userID, Now: time.Now(), ExpiresAt: expires,
	}))
	return id
}

func count(t *testing.T, pool *pgxpool.Pool, table string) int {
	t.Helper()
	var n int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}
