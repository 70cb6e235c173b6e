package listing

import (
	"context"
	"time"

	"chelal/gen/db"
)

// Appointments are listed by date and time, the times of their record and id.
var Appointments = List[db.AppointmentListRow]{
	Query: db.AppointmentList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.AppointmentListRow, error) {
		return db.New().AppointmentList(ctx, conn)
	},
	Orders: map[string]Order[db.AppointmentListRow]{
		"date": {[]Column{{"a.date", "date"}, {"a.time", "time"}, {"a.id", "bigint"}},
			func(r db.AppointmentListRow) []string {
				a := r.CoreAppointment
				return []string{a.Date.Format(time.DateOnly), a.Time.String(), id(a.ID)}
			}},
		"created_at": {[]Column{{"a.created_at", "timestamptz"}, {"a.id", "bigint"}},
			func(r db.AppointmentListRow) []string {
				return []string{instant(r.CoreAppointment.CreatedAt), id(r.CoreAppointment.ID)}
			}},
		"updated_at": {[]Column{{"a.updated_at", "timestamptz"}, {"a.id", "bigint"}},
			func(r db.AppointmentListRow) []string {
				return []string{instant(r.CoreAppointment.UpdatedAt), id(r.CoreAppointment.ID)}
			}},
		"id": {[]Column{{"a.id", "bigint"}},
			func(r db.AppointmentListRow) []string { return []string{id(r.CoreAppointment.ID)} }},
	},
}

// AppointmentsFound narrows appointments to those of patients whose name, number or
// contact hold every word.
func AppointmentsFound(search string) []Condition { return Words("p.search_text", search) }

// AppointmentsOwn narrows appointments to those of the patient who is a user.
func AppointmentsOwn(userID int64) Condition { return Condition{"p.user_id = ?", []any{userID}} }

// AppointmentsOfPatient narrows appointments to those of a patient.
func AppointmentsOfPatient(id int64) Condition { return Condition{"a.patient_id = ?", []any{id}} }

// AppointmentsOfDoctor narrows appointments to those of a doctor.
func AppointmentsOfDoctor(id int64) Condition { return Condition{"a.doctor_id = ?", []any{id}} }

// AppointmentsInState narrows appointments to those of a status.
func AppointmentsInState(status string) Condition { return Condition{"a.status = ?", []any{status}} }

// AppointmentsOn narrows appointments to those of a day.
func AppointmentsOn(day time.Time) Condition { return Condition{"a.date = ?", []any{day}} }

// AppointmentsFrom narrows appointments to those of the day or later.
func AppointmentsFrom(day time.Time) Condition { return Condition{"a.date >= ?", []any{day}} }

// AppointmentsUntil narrows appointments to those of the day or earlier.
func AppointmentsUntil(day time.Time) Condition { return Condition{"a.date <= ?", []any{day}} }
