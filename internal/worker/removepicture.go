package worker

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"chelal/gen/db"
	"chelal/internal/jobs"
	"chelal/internal/media"
	"chelal/internal/pg"
)

// removePicture removes a picture that is no account's: one that was replaced, or one
// whose change was never committed. Names are never used twice, so an account that does
// not name it now will not do so later.
type removePicture struct {
	river.WorkerDefaults[jobs.RemovePicture]
	db    pg.DB
	store media.Store
}

func (w *removePicture) Work(ctx context.Context, job *river.Job[jobs.RemovePicture]) error {
	_, err := db.New().ProfileImageOwner(ctx, w.db, job.Args.Name)
	if !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	return w.store.Remove(ctx, job.Args.Name)
}
