package server

import (
	"context"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/pg"
)

var (
	notOwnEncounter = apperr.New(apperr.Forbidden, "forbidden",
		"A Doctor prescribes for own encounters only. Ask the encounter's doctor, or an Admin.").OnField("encounter", "forbidden")
	nameRequired = apperr.InvalidFields(apperr.Field{Name: "medication_name", Code: "required",
		Message: "Name the medication, or give a medication of the pharmacy."})
)

// mayPrescribe refuses a Doctor for whose encounter it is not.
func mayPrescribe(c *change.Change, doctorID int64) error {
	if c.Actor.Role == authn.RoleAdmin || c.Actor.UserID == doctorID {
		return nil
	}
	return notOwnEncounter
}

// lockEncounterToPrescribe locks the encounter that a prescription is to belong to. One
// that does not exist is left to examine, which names it with what else is wrong.
func lockEncounterToPrescribe(ctx context.Context, c *change.Change, id int64) (db.CoreEncounter, error) {
	encounter, err := db.New().EncounterLock(ctx, c.Tx, id)
	if isMissing(err) {
		return db.CoreEncounter{}, nil
	}
	if err != nil {
		return encounter, err
	}
	return encounter, mayPrescribe(c, encounter.DoctorID)
}

// lockPrescription locks a prescription, after the encounter to which it belongs once
// edit has changed it.
func lockPrescription(ctx context.Context, c *change.Change, id int64, edit func(db.CorePrescription) db.CorePrescription) (
	row db.CorePrescription, encounter db.CoreEncounter, err error) {
	seen, err := db.New().PrescriptionGet(ctx, c.Tx, id, nil)
	if err != nil {
		return row, encounter, err
	}
	if err := mayPrescribe(c, seen.DoctorID); err != nil {
		return row, encounter, err
	}
	wanted := edit(seen.CorePrescription).EncounterID
	if encounter, err = lockEncounterToPrescribe(ctx, c, wanted); err != nil {
		return row, encounter, err
	}
	row, err = db.New().PrescriptionLock(ctx, c.Tx, id)
	if err == nil && edit(row).EncounterID != wanted {
		err = stale // somebody moved it to another encounter in between
	}
	return row, encounter, err
}

// examine completes a prescription that is to be written for an encounter: with the name
// of its medication, and with what the patient's known allergies say to it. reason is the
// override_reason of this request.
func examine(ctx context.Context, c *change.Change, r db.CorePrescription, encounter db.CoreEncounter, reason string) (db.CorePrescription, error) {
	var unknown []apperr.Field
	if encounter.ID == 0 {
		unknown = append(unknown, noSuch("encounter"))
	}
	var medication db.CoreMedication
	if r.MedicationID != nil {
		var err error
		medication, err = db.New().MedicationGet(ctx, c.Tx, *r.MedicationID)
		if isMissing(err) {
			unknown = append(unknown, noSuch("medication"))
		} else if err != nil {
			return r, err
		}
	}
	if len(unknown) > 0 {
		return r, apperr.InvalidFields(unknown...)
	}
	if r.MedicationName == "" {
		r.MedicationName = medication.Name
	}
	return checkAllergies(ctx, c, r, encounter.PatientID, medication, reason)
}

func noSuch(property string) apperr.Field {
	return apperr.Field{Name: property, Code: "does_not_exist", Message: "There is no " + property + " with this id."}
}

// undispensed refuses to touch what has been dispensed.
func undispensed(r db.CorePrescription) error {
	if r.DispensedAt != nil {
		return pg.AlreadyDispensed
	}
	return nil
}

// prescriptionEntry is the audit log's row of a prescription. It says there when it stands
// in spite of an allergy.
func prescriptionEntry(action string, r db.CorePrescription, patientID int64) audit.Entry {
	e := audit.Entry{Action: action, Object: "prescription", ID: r.ID, PatientID: &patientID}
	if r.AllergyCheck == conflictOverridden {
		e.Description = "prescription: " + action + "; an allergy conflict was overridden"
	}
	return e
}

// recordPrescription adds to the audit log what a prescription has become; before is nil
// for a new one.
func recordPrescription(c *change.Change, action string, patientID int64, before any, after db.CorePrescription) error {
	e := prescriptionEntry(action, after, patientID)
	e.Before, e.After = before, after
	return c.Record(e)
}
