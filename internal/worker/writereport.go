package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/media"
	"chelal/internal/news"
	"chelal/internal/notice"
	"chelal/internal/report"
	"chelal/internal/reportfile"
	"chelal/internal/setting"
)

// reportTime is how long a file may take.
const reportTime = time.Hour

// writeReport writes a report file and tells whoever asked for it. It writes under a name of
// the row's: whoever writes it again, after a crash, writes the same file.
type writeReport struct {
	river.WorkerDefaults[jobs.WriteReport]
	changes *change.Store
	source  reportfile.Source
	store   media.Store
	log     *slog.Logger
}

// Timeout is the job's, longer than that of others.
func (w *writeReport) Timeout(*river.Job[jobs.WriteReport]) time.Duration { return reportTime }

// Work writes the file, unless that is done.
func (w *writeReport) Work(ctx context.Context, job *river.Job[jobs.WriteReport]) error {
	file, err := db.New().ReportFileGet(ctx, w.changes.DB, job.Args.FileID, nil)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && file.Status != "pending" {
		return nil
	}
	if err != nil {
		return err
	}
	rows, size, err := w.write(ctx, file)
	switch {
	case err == nil:
		return w.finish(ctx, file, db.ReportFileFinishParams{Status: "ready", RowCount: &rows, Size: &size})
	case errors.Is(err, reportfile.TooManyRows):
		return w.finish(ctx, file, db.ReportFileFinishParams{Status: "failed", Error: reportfile.TooManyRows.Message})
	case job.Attempt >= job.MaxAttempts:
		w.log.ErrorContext(ctx, "a report file could not be written", slog.Int64("file", file.ID), slog.Any("error", err))
		const sentence = "The file could not be written. Ask for it again; if that fails too, tell whoever runs the server."
		return errors.Join(err, w.finish(context.WithoutCancel(ctx), file, db.ReportFileFinishParams{Status: "failed", Error: sentence}))
	}
	return err
}

// write stores the file, whose size is counted on the way.
func (w *writeReport) write(ctx context.Context, file db.CoreReportfile) (rows, size int64, err error) {
	hospital, err := w.hospital(ctx)
	if err != nil {
		return 0, 0, err
	}
	err = w.store.Write(ctx, reportfile.Name(file), reportfile.ContentTypes[file.Format], func(out io.Writer) error {
		counted := &counter{Writer: out}
		var err error
		rows, err = w.source.Write(ctx, file, hospital, counted)
		size = counted.n
		return err
	})
	return rows, size, err
}

func (w *writeReport) hospital(ctx context.Context) (report.Hospital, error) {
	rows, err := db.New().SettingsGet(ctx, w.changes.DB, []string{setting.HospitalName})
	var h report.Hospital
	for _, row := range rows {
		h.Name = row.Value
	}
	return h, err
}

func (w *writeReport) finish(ctx context.Context, file db.CoreReportfile, p db.ReportFileFinishParams) error {
	return w.changes.Do(ctx, func(c *change.Change) error {
		p.ID, p.Now = file.ID, c.Now
		after, err := db.New().ReportFileFinish(ctx, c.Tx, p)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // another has done it
		}
		if err != nil {
			return err
		}
		if err := c.Record(audit.Entry{Action: audit.Edit, Object: "reportfile", ID: file.ID, Before: file, After: after}); err != nil {
			return err
		}
		if after.Status != "ready" || after.RequestedByID == nil {
			return nil
		}
		ready := notice.ReportReady(reportfile.Title(file), file.Format, file.DateFrom, file.DateTo)
		return news.Notify(ctx, c, ready, news.Audience{Users: []int64{*after.RequestedByID}}, nil)
	})
}

// counter counts what is written.
type counter struct {
	io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += int64(n)
	return n, err
}
