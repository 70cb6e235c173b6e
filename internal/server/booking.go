package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/news"
)

// book writes a new appointment, and sets the moments of the one wanted.
func book(ctx context.Context, c *change.Change, rules bookingRules, wanted *db.CoreAppointment) (db.AppointmentGetRow, error) {
	var none db.AppointmentGetRow
	if err := rules.open(c.Actor); err != nil {
		return none, err
	}
	if err := rules.permit(c.Actor, unbooked, *wanted); err != nil {
		return none, err
	}
	p, err := lockParties(ctx, c, []int64{wanted.DoctorID}, []int64{wanted.PatientID})
	if err != nil {
		return none, err
	}
	p.confine(authz.OwnRows(c.Actor))
	if err := rules.place(c, p, wanted); err != nil {
		return none, err
	}
	created, err := db.New().AppointmentCreate(ctx, c.Tx, db.AppointmentCreateParams{
		PatientID: wanted.PatientID, DoctorID: wanted.DoctorID, Date: wanted.Date, Time: wanted.Time,
		DurationMinutes: wanted.DurationMinutes, StartsAt: wanted.StartsAt, EndsAt: wanted.EndsAt, Status: wanted.Status,
		Notes: wanted.Notes, OverbookReason: wanted.OverbookReason, Now: c.Now,
	})
	if err != nil {
		return none, err
	}
	entry := appointmentEntry(unbooked, created)
	entry.Action, entry.After = audit.Create, created
	if err := c.Record(entry); err != nil {
		return none, err
	}
	if err := news.Appointment(c, news.Created, unbooked, created); err != nil {
		return none, err
	}
	row, err := db.New().AppointmentGet(ctx, c.Tx, created.ID, nil)
	if err != nil {
		return none, err
	}
	return row, notifyParties(ctx, c, p, none, row)
}

var hasEncounters = apperr.New(apperr.Conflict, "has_encounters",
	"Encounters were written for this appointment, so its patient and doctor stay. Cancel it and book a new one.")

// changeAppointment applies a patch to an appointment, after the rules.
func (h *handlers) changeAppointment(ctx context.Context, id int64, ifMatch *string, rules bookingRules,
	patch api.AppointmentPatch) (db.AppointmentGetRow, error) {
	var row db.AppointmentGetRow
	var after db.CoreAppointment
	err := h.changes.Do(ctx, func(c *change.Change) error {
		if err := rules.open(c.Actor); err != nil {
			return err
		}
		before, p, err := lockAppointment(ctx, c, id, named(patch.Doctor), named(patch.Patient))
		if err != nil {
			return err
		}
		p.confine(authz.OwnRows(c.Actor))
		if _, visible := p.patients[before.PatientID]; !visible {
			return apperr.Missing()
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		after = before
		applyAppointment(&after, patch)
		if err := checkChange(ctx, c, rules, p, before, &after); err != nil {
			return err
		}
		row, err = saveAppointment(ctx, c, p, before, after)
		return err
	})
	return row, h.offerNextFree(ctx, rules, after, err)
}

// checkChange returns nil when before may become after, whose moments it sets.
func checkChange(ctx context.Context, c *change.Change, rules bookingRules, p parties, before db.CoreAppointment, after *db.CoreAppointment) error {
	if err := rules.permit(c.Actor, before, *after); err != nil {
		return err
	}
	if err := rules.allow(c, before, *after); err != nil {
		return err
	}
	changed := changedFields(before, *after)
	if changed.touch(slotFields) {
		if err := rules.place(c, p, after); err != nil {
			return err
		}
	}
	if !changed.touch(partyFields) {
		return nil
	}
	seen, err := db.New().AppointmentHasEncounters(ctx, c.Tx, before.ID)
	if err == nil && seen {
		err = hasEncounters
	}
	return err
}

// saveAppointment writes what an appointment has become.
func saveAppointment(ctx context.Context, c *change.Change, p parties, before, after db.CoreAppointment) (db.AppointmentGetRow, error) {
	q := db.New()
	was, err := q.AppointmentGet(ctx, c.Tx, before.ID, nil)
	if err != nil {
		return was, err
	}
	written, err := change.Edit(c, appointmentEntry(before, after), before, after, func() (db.CoreAppointment, error) {
		return q.AppointmentUpdate(ctx, c.Tx, db.AppointmentUpdateParams{
			ID: before.ID, Version: before.Version, PatientID: after.PatientID, DoctorID: after.DoctorID, Date: after.Date,
			Time: after.Time, DurationMinutes: after.DurationMinutes, StartsAt: after.StartsAt, EndsAt: after.EndsAt,
			Status: after.Status, Notes: after.Notes, OverbookReason: after.OverbookReason, Now: c.Now,
		})
	})
	if err != nil {
		return was, err
	}
	if written.Version != before.Version {
		if err := news.Appointment(c, news.Updated, before, written); err != nil {
			return was, err
		}
	}
	is, err := q.AppointmentGet(ctx, c.Tx, before.ID, nil)
	if err != nil {
		return is, err
	}
	return is, notifyParties(ctx, c, p, was, is)
}

// appointmentEntry is the audit log's row of a change; where an overbooked appointment came
// to stand, it says why.
func appointmentEntry(before, after db.CoreAppointment) audit.Entry {
	e := audit.Entry{Object: "appointment", ID: after.ID, PatientID: &after.PatientID}
	if after.OverbookReason != "" && changedFields(before, after).touch(placeFields) {
		e.Description = "appointment: overbooked: " + after.OverbookReason
	}
	return e
}

// named is the id that a patch names, if it does.
func named(id *int64) []int64 {
	if id == nil {
		return nil
	}
	return []int64{*id}
}
