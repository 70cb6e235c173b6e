package listing

import (
	"context"
	"time"

	"chelal/gen/db"
)

// Encounters are listed by id and the times of their record. The conditions on patients
// narrow them, too: the query calls the patient p.
var Encounters = List[db.EncounterListRow]{
	Query: db.EncounterList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.EncounterListRow, error) {
		return db.New().EncounterList(ctx, conn)
	},
	Orders: map[string]Order[db.EncounterListRow]{
		"id": {[]Column{{"e.id", "bigint"}}, func(r db.EncounterListRow) []string { return []string{id(r.CoreEncounter.ID)} }},
		"created_at": {[]Column{{"e.created_at", "timestamptz"}, {"e.id", "bigint"}},
			func(r db.EncounterListRow) []string {
				return []string{instant(r.CoreEncounter.CreatedAt), id(r.CoreEncounter.ID)}
			}},
		"updated_at": {[]Column{{"e.updated_at", "timestamptz"}, {"e.id", "bigint"}},
			func(r db.EncounterListRow) []string {
				return []string{instant(r.CoreEncounter.UpdatedAt), id(r.CoreEncounter.ID)}
			}},
	},
}

// EncountersOfPatient narrows encounters to those of a patient.
func EncountersOfPatient(id int64) Condition { return Condition{"e.patient_id = ?", []any{id}} }

// EncountersOfDoctor narrows encounters to those of a doctor.
func EncountersOfDoctor(id int64) Condition { return Condition{"e.doctor_id = ?", []any{id}} }

// EncountersOfAppointment narrows encounters to those of an appointment.
func EncountersOfAppointment(id int64) Condition { return Condition{"e.appointment_id = ?", []any{id}} }

// EncountersFrom narrows encounters to those written at t or later.
func EncountersFrom(t time.Time) Condition { return Condition{"e.created_at >= ?", []any{t}} }

// EncountersUntil narrows encounters to those written before t.
func EncountersUntil(t time.Time) Condition { return Condition{"e.created_at < ?", []any{t}} }
