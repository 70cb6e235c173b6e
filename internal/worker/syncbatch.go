package worker

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/jobs"
)

// syncBatchTime is how long one job may work on a batch; another goes on where it was.
const syncBatchTime = 15 * time.Minute

// syncBatch carries out the operations of a batch.
type syncBatch struct {
	river.WorkerDefaults[jobs.SyncBatch]
	work func(ctx context.Context, batch uuid.UUID) error
}

// Timeout is longer than River's: a batch has thousands of operations.
func (w *syncBatch) Timeout(*river.Job[jobs.SyncBatch]) time.Duration { return syncBatchTime }

// Work carries out what has not been, each operation in a transaction of its own.
func (w *syncBatch) Work(ctx context.Context, job *river.Job[jobs.SyncBatch]) error {
	return w.work(ctx, job.Args.Batch)
}

// stalledAfter is how long nothing happens in a batch that nobody works on. An operation
// takes far less; taking up a batch twice would do no harm.
const stalledAfter = 10 * time.Second

// resumeSync takes up the batches that a process which was killed has left, sooner than
// River notices.
type resumeSync struct {
	river.WorkerDefaults[jobs.ResumeSync]
	changes *change.Store
}

// Work asks for a job for each batch in which nothing happens.
func (w *resumeSync) Work(ctx context.Context, _ *river.Job[jobs.ResumeSync]) error {
	return w.changes.Do(ctx, func(c *change.Change) error {
		stalled, err := db.New().SyncStalled(ctx, c.Tx, c.Now, c.Now.Add(-stalledAfter))
		if err != nil {
			return err
		}
		for _, batch := range stalled {
			if err := c.Enqueue(ctx, jobs.SyncBatch{Batch: batch}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
