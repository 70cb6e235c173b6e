package server

import (
	"context"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/change"
	"chelal/internal/pg"
)

var (
	changedMeanwhile = apperr.New(apperr.Conflict, "changed_meanwhile",
		"Somebody else moved this appointment at the same moment. Read it again, and repeat your change.")
	notADoctor = apperr.InvalidFields(apperr.Field{Name: "doctor", Code: "does_not_exist",
		Message: "There is no active user of role Doctor with this id."})
	noSuchPatient = apperr.InvalidFields(apperr.Field{Name: "patient", Code: "does_not_exist",
		Message: "There is no patient with this id."})
)

// parties are the doctors and the patients whose time a change may touch, locked. Who
// books or moves an appointment locks them before the appointment itself, so that two
// who exclude each other come one after the other instead of waiting for each other.
type parties struct {
	mayBeBooked map[int64]bool // users who exist, and whether they are active and of role Doctor
	patients    map[int64]db.CorePatient
}

func lockParties(ctx context.Context, c *change.Change, doctors, patients []int64) (parties, error) {
	p := parties{mayBeBooked: map[int64]bool{}, patients: map[int64]db.CorePatient{}}
	return p, pg.AtOnce(ctx, c.Tx, func(conn db.DBTX) error {
		rows, err := db.New().DoctorsLock(ctx, conn, doctors, patients)
		for _, row := range rows {
			p.mayBeBooked[row.ID] = row.MayBeBooked
		}
		return err
	}, func(conn db.DBTX) error {
		rows, err := db.New().PatientsLock(ctx, conn, patients)
		for _, row := range rows {
			p.patients[row.ID] = row
		}
		return err
	})
}

// confine leaves of the patients only the record of a user, as if there were no others;
// nil confines to nothing.
func (p parties) confine(ownUserID *int64) {
	for id, row := range p.patients {
		if ownUserID != nil && valueOr(row.UserID, 0) != *ownUserID {
			delete(p.patients, id)
		}
	}
}

// unknown names which of the doctor and the patient cannot have an appointment.
func (p parties) unknown(doctorID, patientID int64) []apperr.Field {
	var fields []apperr.Field
	if !p.mayBeBooked[doctorID] {
		fields = append(fields, notADoctor.Fields...)
	}
	if _, ok := p.patients[patientID]; !ok {
		fields = append(fields, noSuchPatient.Fields...)
	}
	return fields
}

// check returns nil when the doctor may be booked and the patient exists and was not
// merged into another.
func (p parties) check(doctorID, patientID int64) error {
	if fields := p.unknown(doctorID, patientID); len(fields) > 0 {
		return apperr.InvalidFields(fields...)
	}
	return checkUnmerged(p.patients[patientID], "patient")
}

// lockAppointment locks an appointment, after its doctor and patient and those whom the
// change may put in their place.
func lockAppointment(ctx context.Context, c *change.Change, id int64, doctors, patients []int64) (db.CoreAppointment, parties, error) {
	seen, err := db.New().AppointmentGet(ctx, c.Tx, id, nil)
	if err != nil {
		return db.CoreAppointment{}, parties{}, err
	}
	doctorID, patientID := seen.CoreAppointment.DoctorID, seen.CoreAppointment.PatientID
	p, err := lockParties(ctx, c, append(doctors, doctorID), append(patients, patientID))
	if err != nil {
		return db.CoreAppointment{}, p, err
	}
	row, err := db.New().AppointmentLock(ctx, c.Tx, id)
	if err == nil && (row.DoctorID != doctorID || row.PatientID != patientID) {
		err = changedMeanwhile
	}
	return row, p, err
}
