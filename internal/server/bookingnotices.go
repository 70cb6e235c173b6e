package server

import (
	"context"
	"slices"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/news"
	"chelal/internal/notice"
	"chelal/internal/scheduling"
)

// notifyParties tells the doctor and the patient's account what became of an appointment:
// those who lost it that it is cancelled, those who came to it that it is booked, and
// those who keep it when it is now. It says nothing about an appointment that is neither
// booked nor cancelled, or whose place stays. A row without an id is none.
func notifyParties(ctx context.Context, c *change.Change, p parties, before, after db.AppointmentGetRow) error {
	was, is := p.concerned(before.CoreAppointment), p.concerned(after.CoreAppointment)
	switch status := scheduling.Status(after.CoreAppointment.Status); {
	case status == scheduling.Cancelled && before.CoreAppointment.Status != string(status):
		is = nil
	case !status.Live(), !changedFields(before.CoreAppointment, after.CoreAppointment).touch(slotFields):
		return nil
	}
	if err := mail(ctx, c, before.CoreAppointment, after.CoreAppointment); err != nil {
		return err
	}
	for _, told := range []struct {
		n     notice.Notice
		users []int64
	}{
		{notice.Cancelled(wording(before)), without(was, is)},
		{notice.Booked(wording(after)), without(is, was)},
		{notice.Rescheduled(wording(after)), without(is, without(is, was))},
	} {
		if len(told.users) == 0 {
			continue
		}
		if err := news.Notify(ctx, c, told.n, news.Audience{Users: told.users}, &after.CoreAppointment.ID); err != nil {
			return err
		}
	}
	return nil
}

// notifyRemoval tells of an appointment that is about to be deleted as of one that is
// cancelled. It locks nobody: whoever is deleted meanwhile needs no telling.
func notifyRemoval(ctx context.Context, c *change.Change, a db.CoreAppointment) error {
	if !scheduling.Status(a.Status).Live() {
		return nil
	}
	was, err := db.New().AppointmentGet(ctx, c.Tx, a.ID, nil)
	if err != nil {
		return err
	}
	patient, err := db.New().PatientGet(ctx, c.Tx, a.PatientID, nil)
	if err != nil {
		return err
	}
	is := was
	is.CoreAppointment.Status = string(scheduling.Cancelled)
	return notifyParties(ctx, c, parties{patients: map[int64]db.CorePatient{patient.ID: patient}}, was, is)
}

// concerned are the users who have to do with an appointment.
func (p parties) concerned(a db.CoreAppointment) []int64 {
	if a.ID == 0 {
		return nil
	}
	users := []int64{a.DoctorID}
	if account := p.patients[a.PatientID].UserID; account != nil {
		users = append(users, *account)
	}
	return users
}

func without(users, others []int64) []int64 {
	var rest []int64
	for _, id := range users {
		if !slices.Contains(others, id) {
			rest = append(rest, id)
		}
	}
	return rest
}

func wording(row db.AppointmentGetRow) notice.Appointment {
	a := row.CoreAppointment
	return notice.Appointment{
		Patient: row.PatientName, Doctor: row.DoctorName, Date: a.Date, Time: a.Time, Minutes: a.DurationMinutes,
	}
}
