package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/news"
)

const (
	// missedAfter is how long after its end an appointment is still expected: a visit may
	// be written down at the end of the day, or the next morning.
	missedAfter = 24 * time.Hour
	// missedAtOnce is how many appointments one transaction marks.
	missedAtOnce = 500
)

// markNoShows gives appointments that are past and to which nobody came the status that
// says so.
type markNoShows struct {
	river.WorkerDefaults[jobs.MarkNoShows]
	changes *change.Store
	log     *slog.Logger
}

// Work marks until none is left but those that somebody is changing.
func (w *markNoShows) Work(ctx context.Context, _ *river.Job[jobs.MarkNoShows]) error {
	total := 0
	for marked := missedAtOnce; marked == missedAtOnce; total += marked {
		err := w.changes.Do(ctx, func(c *change.Change) (err error) {
			marked, err = markMissed(ctx, c)
			return err
		})
		if err != nil {
			return err
		}
	}
	if total > 0 {
		w.log.InfoContext(ctx, "marked appointments that nobody came to", slog.Int("count", total))
	}
	return nil
}

func markMissed(ctx context.Context, c *change.Change) (int, error) {
	missed, err := db.New().AppointmentsMissedLock(ctx, c.Tx, c.Now.Add(-missedAfter), missedAtOnce)
	if err != nil {
		return 0, err
	}
	for _, before := range missed {
		after, err := db.New().AppointmentMissed(ctx, c.Tx, c.Now, before.ID)
		if err != nil {
			return 0, err
		}
		if err := c.Record(audit.Entry{
			Action: audit.Edit, Object: "appointment", ID: before.ID, PatientID: &before.PatientID,
			Description: "appointment: marked as no_show by the system", Before: before, After: after,
		}); err != nil {
			return 0, err
		}
		if err := news.Appointment(c, news.Updated, before, after); err != nil {
			return 0, err
		}
	}
	return len(missed), nil
}
