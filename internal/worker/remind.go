package worker

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/jobs"
)

const (
	// remindBefore is how long before an appointment its patient is reminded: hours, not
	// the same time the day before, when a clock is changed in between.
	remindBefore = 24 * time.Hour
	// remindAtOnce is how many reminders one transaction makes.
	remindAtOnce = 1000
)

// remind prepares the mails that remind of appointments. It asks the appointments
// themselves, so that one that was moved or cancelled needs no undoing.
type remind struct {
	river.WorkerDefaults[jobs.Remind]
	changes *change.Store
}

// Work prepares until nothing is due.
func (w *remind) Work(ctx context.Context, _ *river.Job[jobs.Remind]) error {
	for made := remindAtOnce; made == remindAtOnce; {
		err := w.changes.Do(ctx, func(c *change.Change) error {
			ids, err := db.New().MailRemind(ctx, c.Tx, db.MailRemindParams{Now: c.Now, Until: c.Now.Add(remindBefore), Most: remindAtOnce})
			made = len(ids)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := c.Enqueue(ctx, jobs.SendMail{DeliveryID: id}, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
