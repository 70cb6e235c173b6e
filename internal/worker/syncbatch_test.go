package worker_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/testkit"
)

func TestResumeSyncTakesUpWhatNobodyWorksOn(t *testing.T) {
	pool := testkit.Pool(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	stalled := addSyncBatch(t, pool, now.Add(-11*time.Second))
	addSyncBatch(t, pool, now.Add(-9*time.Second))
	finished := addSyncBatch(t, pool, now.Add(-time.Hour))
	finish(t, pool, finished, now.Add(-time.Hour))

	worked := make(chan uuid.UUID, 3)
	workWith(t, pool, now, "sync_batch", worked)
	close(worked)
	var batches []uuid.UUID
	for batch := range worked {
		batches = append(batches, batch)
	}
	require.Equal(t, []uuid.UUID{stalled}, batches)
	work(t, pool, now.Add(5*time.Second), "resume_sync")
	require.Equal(t, 2, count(t, pool, "river.river_job WHERE kind = 'sync_batch'"), "the other, not the first again")
}

func TestExpireForgetsBatchesAndRowsButNoOperation(t *testing.T) {
	pool, ctx := testkit.Pool(t), t.Context()
	now := time.Now().UTC()
	for _, age := range []time.Duration{0, 6 * 24 * time.Hour, 8 * 24 * time.Hour} {
		finish(t, pool, addSyncBatch(t, pool, now.Add(-age)), now.Add(-age))
	}
	addSyncBatch(t, pool, now.Add(-8*24*time.Hour))
	user := testkit.User(t, pool, "Nurse")
	for _, age := range []time.Duration{29 * 24 * time.Hour, 31 * 24 * time.Hour, 4000 * 24 * time.Hour} {
		require.NoError(t, db.New().SyncOperationCreate(ctx, pool, db.SyncOperationCreateParams{
			UserID: user.ID, DeviceID: "tablet", OpID: uuid.New(), Hash: []byte("x"), Entity: "patients", Action: "update", Status: "applied",
			Result: []byte(`{"status": "applied", "row": {"id": 1}}`), Now: now.Add(-age),
		}))
	}
	work(t, pool, now, "expire")
	require.Equal(t, 3, count(t, pool, "core_syncbatch"))
	require.Equal(t, 3, count(t, pool, "core_syncbatchoperation"))
	require.Equal(t, 3, count(t, pool, "core_syncoperation WHERE result ->> 'status' = 'applied'"))
	require.Equal(t, 1, count(t, pool, "core_syncoperation WHERE result ? 'row'"))
}

// addSyncBatch makes a batch of one operation, in which nothing has happened since a moment.
func addSyncBatch(t *testing.T, pool *pgxpool.Pool, since time.Time) uuid.UUID {
	t.Helper()
	id := uuid.New()
	q, ctx := db.New(), t.Context()
	require.NoError(t, q.SyncBatchCreate(ctx, pool, db.SyncBatchCreateParams{
		ID: id, UserID: testkit.User(t, pool, "Nurse").ID, DeviceID: "tablet", Total: 1, Now: since,
	}))
	require.NoError(t, q.SyncBatchOperationsCreate(ctx, pool, id, []byte(`[{}]`)))
	return id
}

func finish(t *testing.T, pool *pgxpool.Pool, batch uuid.UUID, at time.Time) {
	t.Helper()
	status := "applied"
	require.NoError(t, db.New().SyncDecide(t.Context(), pool, db.SyncDecideParams{
		BatchID: batch, Position: 1, Status: &status, Result: []byte("{}"), Now: at,
	}))
}
