package worker_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/media"
	"chelal/internal/testkit"
	"chelal/internal/worker"
)

// BenchmarkJobs asks for jobs as changes do, one in a transaction, and works them, each of
// which asks the database once.
func BenchmarkJobs(b *testing.B) {
	const n = 2_000
	pool := testkit.Pool(b)
	changes := &change.Store{DB: pool, Now: time.Now}
	client, err := worker.New(worker.Options{
		Pool: pool, Log: slog.New(slog.DiscardHandler), Now: time.Now, SealKeys: sealKeys, Media: media.Folder(b.TempDir()), Zone: time.UTC,
		WorkSyncBatch: func(context.Context, uuid.UUID) error { return nil },
	})
	require.NoError(b, err)
	done, cancel := client.Subscribe(river.EventKindJobCompleted)
	defer cancel()
	var inserting, working time.Duration
	for b.Loop() {
		start := time.Now()
		for range n {
			require.NoError(b, changes.Do(b.Context(), func(c *change.Change) error {
				return c.Enqueue(b.Context(), jobs.RemovePicture{Name: media.NewName()}, nil)
			}))
		}
		inserting += time.Since(start)
		start = time.Now()
		require.NoError(b, client.Start(b.Context()))
		for worked := 0; worked < n; {
			if e := <-done; e.Job.Kind == (jobs.RemovePicture{}).Kind() {
				worked++
			}
		}
		working += time.Since(start)
		require.NoError(b, client.Stop(b.Context()))
	}
	b.ReportMetric(float64(n*b.N)/inserting.Seconds(), "inserted/s")
	b.ReportMetric(float64(n*b.N)/working.Seconds(), "worked/s")
}
