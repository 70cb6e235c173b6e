// Package worker runs the background jobs that package jobs names, one file a job.
package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"chelal/internal/auditlog"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/mail"
	"chelal/internal/media"
	"chelal/internal/pg"
	"chelal/internal/reportfile"
	"chelal/internal/tracing"
)

// parallel is how many jobs one process runs at once: few, since each holds a
// connection that a request might want.
const parallel = 5

// orphaned is how long after its start a job is taken from a process that may have died over
// it. Jobs that may take longer say so and keep that time. The usual hour would be an hour
// without a reminder, since a periodic job that seems to run is not joined by another.
const orphaned = 5 * time.Minute

// mailsAtOnce is how many mails one process sends at once.
const mailsAtOnce = 3

// reportsAtOnce is how many report files one process writes at once.
const reportsAtOnce = 2

// Options are what the workers are made of. All but Mailer are required.
type Options struct {
	Pool *pgxpool.Pool
	Log  *slog.Logger
	Now  func() time.Time
	// SealKeys sign the seals of the audit log.
	SealKeys auditlog.Keys
	// WorkSyncBatch carries out what is left of a batch of offline operations.
	WorkSyncBatch func(ctx context.Context, batch uuid.UUID) error
	// Mailer takes the mails. Without one none is sent and no reminder made.
	Mailer *mail.Server
	Media  media.Store
	Zone   *time.Location // the hospital's
	// Worked is told of each job that was worked. It may be nil.
	Worked func(kind string, err error, took time.Duration)
}

// New returns a River client that works every job once it is started. Of the processes
// on one database River elects one to enqueue the periodic jobs.
func New(o Options) (*river.Client[pgx.Tx], error) {
	changes := &change.Store{DB: o.Pool, Now: o.Now}
	workers := river.NewWorkers()
	river.AddWorker(workers, &expire{db: o.Pool, log: o.Log, now: o.Now, store: o.Media})
	river.AddWorker(workers, &foldFigures{db: o.Pool})
	river.AddWorker(workers, &syncBatch{work: o.WorkSyncBatch})
	river.AddWorker(workers, &resumeSync{changes: changes})
	river.AddWorker(workers, &sealAudit{db: o.Pool, log: o.Log, now: o.Now, keys: o.SealKeys})
	river.AddWorker(workers, &writeReport{
		changes: changes, source: reportfile.Source{Pool: o.Pool, Zone: o.Zone}, store: o.Media, log: o.Log,
	})
	river.AddWorker(workers, &removePicture{db: o.Pool, store: o.Media})
	river.AddWorker(workers, &markNoShows{changes: changes, log: o.Log})
	river.AddWorker(workers, &remind{changes: changes})
	river.AddWorker(workers, &sendMail{db: o.Pool, log: o.Log, now: o.Now, mailer: o.Mailer})
	periodic := []*river.PeriodicJob{
		every(time.Hour, jobs.Expire{}), every(time.Minute, jobs.FoldFigures{}), every(time.Minute, jobs.ResumeSync{}),
		every(time.Minute, jobs.SealAudit{}), every(time.Hour, jobs.MarkNoShows{}),
	}
	if o.Mailer != nil {
		periodic = append(periodic, every(time.Minute, jobs.Remind{}))
	}
	client, err := river.NewClient(riverpgxv5.New(o.Pool), &river.Config{
		Schema: pg.RiverSchema,
		// The pause between two looks for jobs: with so few at once, the usual 100 ms would be
		// most of the time.
		FetchCooldown:        10 * time.Millisecond,
		RescueStuckJobsAfter: orphaned,
		Logger:               slog.New(onlyWarnings{o.Log.Handler()}),
		Workers:              workers,
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: parallel}, jobs.MailQueue: {MaxWorkers: mailsAtOnce},
			jobs.ReportQueue: {MaxWorkers: reportsAtOnce},
		},
		PeriodicJobs: periodic,
		Middleware:   []rivertype.Middleware{river.WorkerMiddlewareFunc(o.watch)},
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the background jobs: %w", err)
	}
	return client, nil
}

// watch tells of each job.
func (o Options) watch(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	var origin change.Metadata
	_ = json.Unmarshal(job.Metadata, &origin) // a periodic one has none
	ctx, span := tracing.Job(ctx, job.Kind, origin.Trace)
	began := time.Now()
	err := work(ctx)
	tracing.EndJob(span, err)
	if o.Worked != nil {
		o.Worked(job.Kind, err, time.Since(began))
	}
	return err
}

// waiting are the states of a job that is still to be worked or is worked now. One that
// failed and waits to be tried again is not among them: the next one does its work.
var waiting = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateScheduled, rivertype.JobStateRunning,
}

// rest has what is done each minute take a fifth of the time of one processor, and not all of it
// for a second: who asks the server something meanwhile would notice.
func rest(ctx context.Context, worked time.Duration) error {
	select {
	case <-time.After(4 * worked):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// every asks for a job at the start and then each interval, unless there is one already:
// one that takes long is not joined by others that wait for it.
func every(interval time.Duration, args river.JobArgs) *river.PeriodicJob {
	once := &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByState: waiting}}
	return river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return args, once },
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
