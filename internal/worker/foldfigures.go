package worker

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"chelal/gen/db"
	"chelal/internal/jobs"
	"chelal/internal/pg"
)

// foldAtOnce is how many differences are folded in one transaction: some milliseconds of work.
const foldAtOnce = 1_000

// foldFigures keeps the differences of the figures few, so that reading figures stays
// quick.
type foldFigures struct {
	river.WorkerDefaults[jobs.FoldFigures]
	db pg.DB
}

// Work folds until few differences are left.
func (w *foldFigures) Work(ctx context.Context, _ *river.Job[jobs.FoldFigures]) error {
	for {
		began := time.Now()
		folded, err := db.New().FiguresFold(ctx, w.db, foldAtOnce)
		if err != nil || folded < foldAtOnce {
			return err
		}
		if err := rest(ctx, time.Since(began)); err != nil {
			return err
		}
	}
}
