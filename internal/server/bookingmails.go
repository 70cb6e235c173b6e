package server

import (
	"context"
	"fmt"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/scheduling"
)

// mail prepares the mails that tell patients what became of an appointment which announce
// has found to matter: who lost it that it is cancelled, who came to it that it is booked,
// who keeps it when it is now. They keep what they say: a deleted appointment is gone when
// they are sent.
func mail(ctx context.Context, c *change.Change, before, after db.CoreAppointment) error {
	kept := after.PatientID == before.PatientID
	switch {
	case after.Status == string(scheduling.Cancelled):
		before.Version = after.Version
		return prepareMail(ctx, c, "cancelled", before)
	case before.ID == 0:
		return prepareMail(ctx, c, "booked", after)
	case kept:
		return prepareMail(ctx, c, "rescheduled", after)
	}
	before.Version = after.Version
	if err := prepareMail(ctx, c, "cancelled", before); err != nil {
		return err
	}
	return prepareMail(ctx, c, "booked", after)
}

func prepareMail(ctx context.Context, c *change.Change, kind string, a db.CoreAppointment) error {
	id, err := db.New().MailCreate(ctx, c.Tx, db.MailCreateParams{
		AppointmentID: a.ID, PatientID: a.PatientID, DoctorID: a.DoctorID, Kind: kind, Occurrence: a.Version,
		Date: a.Date, Time: a.Time, DurationMinutes: a.DurationMinutes, StartsAt: a.StartsAt, Now: c.Now,
	})
	if err != nil {
		return fmt.Errorf("prepare a mail: %w", err)
	}
	return c.Enqueue(ctx, jobs.SendMail{DeliveryID: id}, nil)
}
