package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"chelal/gen/db"
	"chelal/internal/jobs"
	"chelal/internal/mail"
	"chelal/internal/notice"
	"chelal/internal/pg"
)

// mailLost is how long after it was claimed a mail is surely no longer being sent.
const mailLost = 10 * time.Minute

// sendMail sends prepared mails. A mail is claimed before it is sent, in a transaction of
// its own: what is found claimed had a process die over it, and nobody knows whether it
// was sent. News of an appointment are then sent again under the same Message-ID; a
// reminder is not.
type sendMail struct {
	river.WorkerDefaults[jobs.SendMail]
	db     pg.DB
	log    *slog.Logger
	now    func() time.Time
	mailer *mail.Server // nil: there is none
}

// Timeout leaves time to record what became of a mail over which the server took its time.
func (w *sendMail) Timeout(*river.Job[jobs.SendMail]) time.Duration { return 2 * time.Minute }

// Work sends one mail, unless that is done or of no use any more.
func (w *sendMail) Work(ctx context.Context, job *river.Job[jobs.SendMail]) error {
	now := w.now().UTC()
	m, err := db.New().MailClaim(ctx, w.db, db.MailClaimParams{ID: job.Args.DeliveryID, Now: now, Lost: now.Add(-mailLost)})
	if errors.Is(err, pgx.ErrNoRows) {
		return w.unclaimed(ctx, job.Args.DeliveryID, now)
	}
	if err != nil {
		return err
	}
	message, useless, err := w.message(ctx, m, now)
	if err != nil {
		return errors.Join(err, w.record(ctx, m.ID, "pending", "database"))
	}
	if useless != "" {
		return w.record(ctx, m.ID, "dropped", useless)
	}
	err = w.mailer.Send(ctx, message)
	// What has become of it is recorded even when the process is being stopped.
	return w.outcome(context.WithoutCancel(ctx), m, err, job.Attempt >= job.MaxAttempts)
}

// unclaimed deals with a mail that is done, or that another claimed.
func (w *sendMail) unclaimed(ctx context.Context, id int64, now time.Time) error {
	m, err := db.New().MailState(ctx, w.db, now.Add(-mailLost), id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil // it is long past and was removed
	case err != nil:
		return err
	case m.State != "sending":
		return nil
	case m.Lost:
		return w.record(ctx, id, "unknown", "interrupted")
	}
	return river.JobSnooze(mailLost)
}

func (w *sendMail) outcome(ctx context.Context, m db.CoreMaildelivery, sent error, last bool) error {
	failed, ok := errors.AsType[*mail.Failure](sent)
	switch {
	case sent == nil:
		return w.record(ctx, m.ID, "sent", "")
	case !ok:
		return errors.Join(sent, w.record(ctx, m.ID, "pending", "error"))
	case failed.Unknown && m.Kind == "reminder":
		return w.record(ctx, m.ID, "unknown", failed.Reason)
	case failed.Permanent || last:
		w.log.WarnContext(ctx, "a mail could not be sent", slog.Int64("delivery", m.ID), slog.String("reason", failed.Reason))
		return w.record(ctx, m.ID, "failed", failed.Reason)
	}
	return errors.Join(failed, w.record(ctx, m.ID, "pending", failed.Reason))
}

func (w *sendMail) record(ctx context.Context, id int64, state, reason string) error {
	_, err := db.New().MailRecord(ctx, w.db, db.MailRecordParams{ID: id, State: state, Reason: reason, Now: w.now().UTC()})
	return err
}

// message writes the mail, or says in a word why none is to be sent.
func (w *sendMail) message(ctx context.Context, m db.CoreMaildelivery, now time.Time) (mail.Message, string, error) {
	if w.mailer == nil {
		return mail.Message{}, "no_mail_server", nil
	}
	r, err := db.New().MailRecipient(ctx, w.db, m.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return mail.Message{}, "no_patient", nil
	}
	if err != nil {
		return mail.Message{}, "", err
	}
	to := mail.Address(r.Email)
	if to == "" {
		to = mail.Address(r.ContactInfo)
	}
	switch {
	case to == "":
		return mail.Message{}, "no_address", nil
	case !r.Current:
		return mail.Message{}, "superseded", nil
	case !m.StartsAt.After(now):
		return mail.Message{}, "past", nil
	}
	text := wording(m, r).In(r.Language)
	return mail.Message{
		ID:   fmt.Sprintf("mail-%d-%d@%s", m.ID, m.CreatedAt.UnixMicro(), w.mailer.Sender()),
		Date: now, To: to, Language: r.Language, Subject: text.Title, Text: text.Message,
	}, "", nil
}

func wording(m db.CoreMaildelivery, r db.MailRecipientRow) notice.Notice {
	a := notice.Appointment{Patient: r.PatientName, Doctor: r.DoctorName, Date: m.Date, Time: m.Time, Minutes: m.DurationMinutes}
	switch m.Kind {
	case "booked":
		return notice.Booked(a)
	case "rescheduled":
		return notice.Rescheduled(a)
	case "cancelled":
		return notice.Cancelled(a)
	default:
		return notice.Reminder(a)
	}
}
