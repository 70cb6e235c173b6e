package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/media"
	"chelal/internal/pg"
	"chelal/internal/reportfile"
)

// monthsAhead is how far ahead the audit log's partitions are made.
const monthsAhead = 3

// How long what came of offline operations is kept: a batch after its end, and the rows in
// results after they were answered. That an operation was done is never forgotten.
const (
	syncBatchesKept = 7 * 24 * time.Hour
	syncRowsKept    = 30 * 24 * time.Hour
)

// mailKept is how long it can be seen what became of a mail.
const mailKept = 90 * 24 * time.Hour

// activityKept is how long it is known by the hour who did how much: the dashboard asks
// for a day.
const activityKept = 48 * time.Hour

// expire removes sessions, refresh tokens, idempotency keys, events, tickets, what offline
// operations were answered, report files and what became of mails, when they are past their time, and makes
// the audit log's partitions before their months begin.
type expire struct {
	river.WorkerDefaults[jobs.Expire]
	db  pg.DB
	log *slog.Logger
	now func() time.Time
	// store has the report files.
	store media.Store
}

// Work does every part though another has failed before it, and fails with the first
// failure, to be tried again.
func (w *expire) Work(ctx context.Context, _ *river.Job[jobs.Expire]) error {
	now := w.now().UTC()
	var first error
	for _, part := range []struct {
		rows string
		run  func() (int64, error)
	}{
		{"sessions", func() (int64, error) { return db.New().SessionExpire(ctx, w.db, now) }},
		{"refresh tokens", func() (int64, error) { return db.New().RefreshTokenExpire(ctx, w.db, now) }},
		{"idempotency keys", func() (int64, error) { return db.New().IdempotencyExpire(ctx, w.db, now.Add(-change.KeyLifetime)) }},
		{"events", func() (int64, error) { return db.New().EventsExpire(ctx, w.db, now.Add(-change.EventLifetime)) }},
		{"tickets", func() (int64, error) { return db.New().TicketsExpire(ctx, w.db, now) }},
		{"report files", func() (int64, error) { return w.removeReports(ctx, now.Add(-reportfile.Lifetime)) }},
		{"mails", func() (int64, error) { return db.New().MailExpire(ctx, w.db, now.Add(-mailKept)) }},
		{"sync batches", func() (int64, error) { return db.New().SyncBatchExpire(ctx, w.db, now.Add(-syncBatchesKept)) }},
		{"rows of sync results", func() (int64, error) { return db.New().SyncRowsForget(ctx, w.db, now.Add(-syncRowsKept)) }},
		{"hours of activity", func() (int64, error) { return db.New().ActivityForget(ctx, w.db, now.Add(-activityKept)) }},
		{"audit partitions", func() (int64, error) { return 0, db.New().AuditPartitions(ctx, w.db, monthsAhead) }},
		{"login partitions", func() (int64, error) { return 0, db.New().LoginPartitions(ctx, w.db, monthsAhead) }},
	} {
		removed, err := part.run()
		if err != nil && first == nil {
			first = err
		}
		if removed > 0 {
			w.log.InfoContext(ctx, "removed what had expired", slog.String("rows", part.rows), slog.Int64("count", removed))
		}
	}
	return first
}

// removeReports removes a file before its row: what fails in between is done again.
func (w *expire) removeReports(ctx context.Context, before time.Time) (int64, error) {
	files, err := db.New().ReportFilesOld(ctx, w.db, before)
	var removed int64
	for _, f := range files {
		if err := w.store.Remove(ctx, reportfile.Name(f)); err != nil {
			return removed, err
		}
		n, err := db.New().ReportFileDelete(ctx, w.db, f.ID)
		if err != nil {
			return removed, err
		}
		removed += n
	}
	return removed, err
}
