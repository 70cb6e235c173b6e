package listing

import (
	"context"
	"strings"
	"time"

	"chelal/gen/db"
)

// Prescriptions are listed by id and the times of their record.
var Prescriptions = List[db.PrescriptionListRow]{
	Query: db.PrescriptionList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.PrescriptionListRow, error) {
		return db.New().PrescriptionList(ctx, conn)
	},
	Orders: map[string]Order[db.PrescriptionListRow]{
		"id": {[]Column{{"r.id", "bigint"}}, func(r db.PrescriptionListRow) []string { return []string{id(r.CorePrescription.ID)} }},
		"created_at": {[]Column{{"r.created_at", "timestamptz"}, {"r.id", "bigint"}},
			func(r db.PrescriptionListRow) []string {
				return []string{instant(r.CorePrescription.CreatedAt), id(r.CorePrescription.ID)}
			}},
		"updated_at": {[]Column{{"r.updated_at", "timestamptz"}, {"r.id", "bigint"}},
			func(r db.PrescriptionListRow) []string {
				return []string{instant(r.CorePrescription.UpdatedAt), id(r.CorePrescription.ID)}
			}},
	},
}

// PrescriptionsFound narrows prescriptions to those whose medication's name holds every
// word. Numbers are strengths ("500/125"), not telephone numbers.
func PrescriptionsFound(search string) []Condition {
	return holding("r.search_text", strings.Fields(search))
}

// PrescriptionsOf narrows prescriptions to those of the patient who is a user.
func PrescriptionsOf(userID int64) Condition { return Condition{"p.user_id = ?", []any{userID}} }

// PrescriptionsOfPatient narrows prescriptions to those of a patient.
func PrescriptionsOfPatient(patientID int64) Condition {
	return Condition{"e.patient_id = ?", []any{patientID}}
}

// PrescriptionsOfDoctor narrows prescriptions to those of a doctor's encounters.
func PrescriptionsOfDoctor(doctorID int64) Condition {
	return Condition{"e.doctor_id = ?", []any{doctorID}}
}

// PrescriptionsOfEncounter narrows prescriptions to those of an encounter.
func PrescriptionsOfEncounter(encounterID int64) Condition {
	return Condition{"r.encounter_id = ?", []any{encounterID}}
}

// PrescriptionsOfMedication narrows prescriptions to those of a medication of the pharmacy.
func PrescriptionsOfMedication(medicationID int64) Condition {
	return Condition{"r.medication_id = ?", []any{medicationID}}
}

// PrescriptionsFrom narrows prescriptions to those written at t or later.
func PrescriptionsFrom(t time.Time) Condition { return Condition{"r.created_at >= ?", []any{t}} }

// PrescriptionsUntil narrows prescriptions to those written before t.
func PrescriptionsUntil(t time.Time) Condition { return Condition{"r.created_at < ?", []any{t}} }

// PrescriptionsDispensed narrows prescriptions to those that have, or have not, been
// dispensed.
func PrescriptionsDispensed(dispensed bool) Condition {
	if dispensed {
		return Condition{"r.dispensed_at IS NOT NULL", nil}
	}
	return Condition{"r.dispensed_at IS NULL", nil}
}
