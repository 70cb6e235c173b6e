package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"chelal/internal/auditlog"
	"chelal/internal/jobs"
	"chelal/internal/pg"
)

// sealAudit seals the audit log. Each new head is logged: where the log is kept, it is the
// witness that the end of the chain was not cut off.
type sealAudit struct {
	river.WorkerDefaults[jobs.SealAudit]
	db   pg.DB
	log  *slog.Logger
	now  func() time.Time
	keys auditlog.Keys
}

// Timeout lets the first sealing of a long log take its time.
func (*sealAudit) Timeout(*river.Job[jobs.SealAudit]) time.Duration { return time.Hour }

// Work seals whatever is complete.
func (w *sealAudit) Work(ctx context.Context, _ *river.Job[jobs.SealAudit]) error {
	sealed, err := auditlog.SealGently(ctx, w.db, w.keys, w.now(), rest)
	if sealed.Seals > 0 {
		w.log.InfoContext(ctx, "sealed the audit log", slog.Int64("rows", sealed.Rows), slog.Int64("seal", sealed.Head.Seal),
			slog.String("head", sealed.Head.Hash))
	}
	return err
}
