// Package timezone keeps the moments of appointments in step with the hospital's wall
// clock: date and time are what was agreed; starts_at and ends_at follow from the zone, and
// so do the days of the figures.
package timezone

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/scheduling"
)

// overlapReason marks an appointment that overlaps another since the zone changed.
const overlapReason = "Overlaps another appointment since the hospital's time zone changed"

// overlapsLater has overlaps looked for at the commit: while appointments move one after
// the other, one may pass over another. It stands here because sqlc does not know it.
const overlapsLater = "SET CONSTRAINTS core_appointment_doctor_excl, core_appointment_patient_excl DEFERRED"

// asLongAsItTakes lifts the limit that a request has: a large hospital's rows take minutes.
const asLongAsItTakes = "SET LOCAL statement_timeout = 0"

// Apply makes the zone the hospital's. When it was another one, every appointment is
// moved to the moment at which the new zone's clock shows its date and time, in one
// transaction during which nobody books; those that then overlap are marked overbooked,
// so that a person can look at them. The figures are made anew by the new zone's days. Several processes may call it at once.
func Apply(ctx context.Context, changes *change.Store, zone *time.Location, log *slog.Logger) error {
	if present, err := db.New().HospitalZone(ctx, changes.DB); err != nil || present == zone.String() {
		return err
	}
	return changes.Do(ctx, func(c *change.Change) error {
		q := db.New()
		before, err := q.HospitalZoneLock(ctx, c.Tx)
		if err != nil || before == zone.String() {
			return err
		}
		moved, overlapping, err := move(ctx, c, zone)
		if err != nil {
			return err
		}
		if err := q.HospitalZoneSet(ctx, c.Tx, zone.String()); err != nil {
			return err
		}
		if err := q.FiguresRebuild(ctx, c.Tx); err != nil {
			return fmt.Errorf("keep the figures by the days of %s: %w", zone, err)
		}
		log.Warn("the hospital's time zone changed: appointments keep their time on the clock",
			"before", before, "after", zone.String(), "moved", moved, "overlapping", overlapping)
		return c.Record(audit.Entry{
			Action: audit.Edit, Object: "hospital", Description: "hospital: the time zone changed",
			Before: hospital{before}, After: hospital{zone.String()},
		})
	})
}

// hospital is what the audit log keeps of core_hospital.
type hospital struct {
	Zone string `json:"zone"`
}

// move recomputes the moments of all appointments and marks those that overlap.
func move(ctx context.Context, c *change.Change, zone *time.Location) (moved, overlapping int64, err error) {
	q := db.New()
	if _, err := c.Tx.Exec(ctx, asLongAsItTakes); err != nil {
		return 0, 0, err
	}
	if err := q.AppointmentTableLock(ctx, c.Tx); err != nil {
		return 0, 0, err
	}
	if _, err := c.Tx.Exec(ctx, overlapsLater); err != nil {
		return 0, 0, err
	}
	times, err := q.AppointmentWallTimes(ctx, c.Tx)
	if err != nil {
		return 0, 0, err
	}
	p := db.AppointmentMoveParams{Now: c.Now}
	for _, t := range times {
		p.Dates = append(p.Dates, t.Date)
		p.Times = append(p.Times, t.Time.String())
		p.Moments = append(p.Moments, scheduling.Shifted(t.Date, t.Time, zone))
	}
	if moved, err = q.AppointmentMove(ctx, c.Tx, p); err != nil {
		return 0, 0, err
	}
	doctors, err := q.AppointmentOverbookDoctors(ctx, c.Tx, overlapReason)
	if err != nil {
		return 0, 0, err
	}
	patients, err := q.AppointmentOverbookPatients(ctx, c.Tx, overlapReason)
	return moved, doctors + patients, err
}
