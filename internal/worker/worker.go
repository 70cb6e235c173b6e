// Package worker runs the background jobs that package jobs names, one file a job.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/mail"
	"chelal/internal/pg"
)

// parallel is how many jobs one process runs at once: few, since each holds a
// connection that a request might want.
const parallel = 5

// mailsAtOnce is how many mails one process sends at once.
const mailsAtOnce = 3

// New returns a River client that works every job once it is started. Without a mailer no
// mail is sent and no reminder made. Of the processes
// on one database River elects one to enqueue the periodic jobs.
func New(pool *pgxpool.Pool, log *slog.Logger, now func() time.Time, mailer *mail.Server) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &expire{db: pool, log: log, now: now})
	river.AddWorker(workers, &foldFigures{db: pool})
	changes := &change.Store{DB: pool, Now: now}
	river.AddWorker(workers, &markNoShows{changes: changes, log: log})
	river.AddWorker(workers, &sendMail{db: pool, log: log, now: now, mailer: mailer})
	river.AddWorker(workers, &remind{changes: changes})
	periodic := []*river.PeriodicJob{
		every(time.Hour, jobs.Expire{}), every(time.Minute, jobs.FoldFigures{}), every(time.Hour, jobs.MarkNoShows{}),
	}
	if mailer != nil {
		periodic = append(periodic, every(time.Minute, jobs.Remind{}))
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema:  pg.RiverSchema,
		Logger:  slog.New(onlyWarnings{log.Handler()}),
		Workers: workers,
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: parallel}, jobs.MailQueue: {MaxWorkers: mailsAtOnce},
		},
		PeriodicJobs: periodic,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the background jobs: %w", err)
	}
	return client, nil
}

func every(interval time.Duration, args river.JobArgs) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return args, nil },
		&river.PeriodicJobOpts{RunOnStart: true})
}

// onlyWarnings leaves out River's remarks on its own housekeeping.
type onlyWarnings struct{ slog.Handler }

func (h onlyWarnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h onlyWarnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return onlyWarnings{h.Handler.WithAttrs(attrs)}
}

func (h onlyWarnings) WithGroup(name string) slog.Handler {
	return onlyWarnings{h.Handler.WithGroup(name)}
}
