// Package news announces what becomes of records, to those who listen over sockets, in the
// transaction that changes them. The contract's LiveMessage has the forms.
package news

import (
	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/realtime"
)

// What became of an appointment: the types of its messages.
const (
	Created = "appointment.created"
	Updated = "appointment.updated"
	Deleted = "appointment.deleted"
)

// appointment is what listeners are told of one, the contract's AppointmentNews.
type appointment struct {
	Appointment int64  `json:"appointment"`
	Patient     int64  `json:"patient"`
	Doctor      int64  `json:"doctor"`
	Status      string `json:"status"`
	Version     int64  `json:"version"`
}

// Appointment tells staff and the patient what became of an appointment. A patient whose
// it is no longer is told that it is gone.
func Appointment(c *change.Change, kind string, before, after db.CoreAppointment) error {
	if before.PatientID != 0 && before.PatientID != after.PatientID {
		taken := after
		taken.PatientID = before.PatientID
		if err := c.Announce(event(Deleted, taken, false)); err != nil {
			return err
		}
	}
	return c.Announce(event(kind, after, true))
}

func event(kind string, a db.CoreAppointment, staff bool) change.Event {
	return change.Event{
		Topic: string(realtime.Appointments), Type: kind, Staff: staff, PatientID: &a.PatientID,
		Data: appointment{Appointment: a.ID, Patient: a.PatientID, Doctor: a.DoctorID, Status: a.Status, Version: a.Version},
	}
}
