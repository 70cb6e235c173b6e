package server

import (
	"slices"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authz"
)

// fieldNames are properties of an appointment.
type fieldNames []string

var (
	partyFields = fieldNames{"patient", "doctor"}
	slotFields  = fieldNames{"patient", "doctor", "date", "time", "duration_minutes"}
	placeFields = append(fieldNames{"overbook_reason"}, slotFields...)
)

// changedFields names the properties in which two states of an appointment differ.
func changedFields(a, b db.CoreAppointment) fieldNames {
	var names fieldNames
	for name, same := range map[string]bool{
		"patient": a.PatientID == b.PatientID, "doctor": a.DoctorID == b.DoctorID, "date": a.Date.Equal(b.Date),
		"time": a.Time == b.Time, "duration_minutes": a.DurationMinutes == b.DurationMinutes, "status": a.Status == b.Status,
		"notes": a.Notes == b.Notes, "overbook_reason": a.OverbookReason == b.OverbookReason,
	} {
		if !same {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (f fieldNames) touch(others fieldNames) bool {
	return slices.ContainsFunc(f, func(name string) bool { return slices.Contains(others, name) })
}

func (f fieldNames) except(others fieldNames) fieldNames {
	return slices.DeleteFunc(f, func(name string) bool { return slices.Contains(others, name) })
}

// forbidden returns the refusal that names all of the properties, or nil without any.
func (f fieldNames) forbidden(message string) error {
	if len(f) == 0 {
		return nil
	}
	e := *authz.Refusal
	for _, name := range f {
		e.Fields = append(e.Fields, apperr.Field{Name: name, Code: "forbidden", Message: message})
	}
	return &e
}
