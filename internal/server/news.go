package server

import (
	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/realtime"
)

// announceAppointment tells staff and the patient what became of an appointment. A patient
// whose it is no longer is told that it is gone.
func announceAppointment(c *change.Change, kind api.LiveAppointmentType, before, after db.CoreAppointment) error {
	if before.PatientID != 0 && before.PatientID != after.PatientID {
		taken := after
		taken.PatientID = before.PatientID
		if err := c.Announce(appointmentEvent(api.LiveAppointmentTypeAppointmentDeleted, taken, false)); err != nil {
			return err
		}
	}
	return c.Announce(appointmentEvent(kind, after, true))
}

func appointmentEvent(kind api.LiveAppointmentType, a db.CoreAppointment, staff bool) change.Event {
	return change.Event{
		Topic: string(realtime.Appointments), Type: string(kind), Staff: staff, PatientID: &a.PatientID,
		Data: api.AppointmentNews{
			Appointment: a.ID, Patient: a.PatientID, Doctor: a.DoctorID, Status: api.AppointmentStatus(a.Status), Version: a.Version,
		},
	}
}

// announceNotification tells its user of a notification.
func announceNotification(c *change.Change, n db.CoreNotification) error {
	return c.Announce(change.Event{
		Topic: string(realtime.Notifications), Type: string(api.LiveNotificationTypeNotification), UserID: &n.UserID,
		Data: toAPINotification(n),
	})
}
