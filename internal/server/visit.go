package server

import (
	"context"
	"errors"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/news"
	"chelal/internal/scheduling"
)

// visit says whose encounter it is; appointment is 0 without one.
type visit struct{ patient, doctor, appointment int64 }

func visitOf(e db.CoreEncounter) visit {
	return visit{e.PatientID, e.DoctorID, valueOr(e.AppointmentID, 0)}
}

// visited are the rows that a visit names, locked.
type visited struct {
	parties     parties
	appointment *db.CoreAppointment // nil when there is none
}

// lock locks whom a visit names and whom it named before, in the order in which
// everybody locks them.
func (v visit) lock(ctx context.Context, c *change.Change, before visit) (visited, error) {
	doctors, patients := []int64{before.doctor, v.doctor}, []int64{before.patient, v.patient}
	if v.appointment != 0 {
		a, p, err := lockAppointment(ctx, c, v.appointment, doctors, patients)
		if !isMissing(err) {
			return visited{p, &a}, err
		}
		// Without it the others are still looked at, so that all that is wrong is named.
	}
	p, err := lockParties(ctx, c, doctors, patients)
	return visited{parties: p}, err
}

// check returns nil when the patient and the doctor are fit for an encounter and the
// appointment is theirs. The error names everything that is wrong.
func (v visit) check(found visited) error {
	var fields []apperr.Field
	if err := found.parties.check(v.doctor, v.patient); err != nil {
		refusal, ok := errors.AsType[*apperr.Error](err)
		if !ok || refusal.Kind != apperr.Invalid {
			return err
		}
		fields = append(fields, refusal.Fields...)
	}
	if fields = append(fields, v.checkAppointment(found.appointment)...); len(fields) > 0 {
		return apperr.InvalidFields(fields...)
	}
	return nil
}

func (v visit) checkAppointment(a *db.CoreAppointment) []apperr.Field {
	if v.appointment == 0 {
		return nil
	}
	if a == nil {
		return []apperr.Field{{Name: "appointment", Code: "does_not_exist", Message: "There is no appointment with this id."}}
	}
	var fields []apperr.Field
	if a.PatientID != v.patient {
		fields = append(fields, apperr.Field{Name: "appointment", Code: "other_patient", Message: "This is another patient's appointment."})
	}
	if a.DoctorID != v.doctor {
		fields = append(fields, apperr.Field{Name: "appointment", Code: "other_doctor", Message: "This is another doctor's appointment."})
	}
	return fields
}

// checkNewVisit locks and checks whom a patch of an encounter names anew; it locks
// nobody when that stays as it is.
func checkNewVisit(ctx context.Context, c *change.Change, seen db.CoreEncounter, patch api.EncounterPatch) error {
	after := seen
	applyEncounter(&after, patch)
	before, v := visitOf(seen), visitOf(after)
	if v == before {
		return nil
	}
	found, err := v.lock(ctx, c, before)
	if err != nil {
		return err
	}
	found.parties.mayBeBooked[before.doctor] = true // whoever wrote it may have left since
	return v.check(found)
}

// beginAppointment moves an appointment to in_progress because its encounter is being
// written. What has begun already, or is over, stays as it is.
func beginAppointment(ctx context.Context, c *change.Change, before *db.CoreAppointment) error {
	if before == nil {
		return nil
	}
	status := scheduling.Status(before.Status)
	if status == scheduling.InProgress || status == scheduling.Completed {
		return nil
	}
	if err := status.Move(scheduling.InProgress); err != nil {
		return apperr.From(err).OnField("appointment", "invalid_transition")
	}
	after, err := db.New().AppointmentBegin(ctx, c.Tx, c.Now, before.ID)
	if err != nil {
		return err
	}
	if err := news.Appointment(c, news.Updated, *before, after); err != nil {
		return err
	}
	return c.Record(audit.Entry{Action: audit.Edit, Object: "appointment", ID: before.ID, PatientID: &before.PatientID,
		Before: *before, After: after})
}
