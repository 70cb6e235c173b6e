package server

import (
	"context"
	"log/slog"
	"time"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/scheduling"
	"chelal/internal/setting"
)

// bookingRules judge whether an appointment may be booked or changed, by the settings of
// the hospital. They look at two states of it, before and after; before a booking it is
// unbooked. What other appointments forbid, the database says.
type bookingRules struct {
	hours       scheduling.Hours
	zone        *time.Location
	selfBooking bool // whether patients may book and cancel
}

var unbooked = db.CoreAppointment{Status: string(scheduling.Scheduled)}

func (h *handlers) bookingRules(ctx context.Context) (bookingRules, error) {
	rows, err := db.New().SettingsGet(ctx, h.DB,
		[]string{setting.WorkingHoursStart, setting.WorkingHoursEnd, setting.AppointmentDuration, setting.PatientSelfBooking})
	if err != nil {
		return bookingRules{}, err
	}
	settings := map[string]string{}
	for _, row := range rows {
		settings[row.Key] = row.Value
	}
	hours, err := scheduling.ParseHours(settings[setting.WorkingHoursStart], settings[setting.WorkingHoursEnd],
		settings[setting.AppointmentDuration])
	if err != nil {
		h.Log.Warn("settings cannot be used; their defaults hold", slog.Any("error", err))
	}
	return bookingRules{hours: hours, zone: h.Zone, selfBooking: setting.On(settings[setting.PatientSelfBooking], false)}, nil
}

// usualMinutes is the length of an appointment when nothing is said about it.
func (r bookingRules) usualMinutes() int32 { return int32(r.hours.Step / time.Minute) }

var (
	selfBookingDisabled = apperr.New(apperr.Forbidden, "self_booking_disabled",
		"Patients cannot book or cancel appointments by themselves at the moment. Call the hospital.")
	overbookRefused = apperr.New(apperr.Forbidden, "forbidden",
		"Only an Admin or the doctor concerned overbooks, and moves what is overbooked.").OnField("overbook_reason", "forbidden")
	appointmentOver = apperr.New(apperr.Conflict, "appointment_over",
		"This appointment is over; only its notes can change. Book a new one.")
	tooLateToCancel = apperr.New(apperr.Conflict, "too_late_to_cancel",
		"This appointment has begun; it can no longer be cancelled here. Call the hospital.").OnField("status", "too_late_to_cancel")
)

// open returns nil when the caller may write appointments at all.
func (r bookingRules) open(actor authn.Principal) error {
	if isPatient(actor) && !r.selfBooking {
		return selfBookingDisabled
	}
	return nil
}

// permit returns nil when the caller may change before into after. Patients may book and
// cancel. Where overbooked appointments stand, an Admin decides, or the doctor whose
// time it is.
func (r bookingRules) permit(actor authn.Principal, before, after db.CoreAppointment) error {
	changed := changedFields(before, after)
	if isPatient(actor) {
		return changed.except(patientsMaySet(before, after)).forbidden("A patient may not set this.")
	}
	for _, a := range []db.CoreAppointment{before, after} {
		concerned := actor.Role == authn.RoleAdmin || actor.Role == authn.RoleDoctor && actor.UserID == a.DoctorID
		if a.OverbookReason != "" && !concerned && changed.touch(placeFields) {
			return overbookRefused
		}
	}
	return nil
}

func patientsMaySet(before, after db.CoreAppointment) []string {
	switch {
	case before.ID == 0:
		return append([]string{"notes"}, slotFields...)
	case after.Status == string(scheduling.Cancelled):
		return []string{"status"}
	}
	return nil
}

// allow returns nil when what the appointment has come to allows to change before into
// after.
func (r bookingRules) allow(c *change.Change, before, after db.CoreAppointment) error {
	if err := scheduling.Status(before.Status).Move(scheduling.Status(after.Status)); err != nil {
		return err
	}
	changed := changedFields(before, after)
	switch {
	case scheduling.Status(before.Status).Final() && changed.touch(placeFields):
		return appointmentOver
	case isPatient(c.Actor) && changed.touch([]string{"status"}) && (!awaited(before) || !before.StartsAt.After(c.Now)):
		return tooLateToCancel
	}
	return nil
}

// place sets the moments of an appointment by its date and time, and returns nil when it
// may be there with the doctor and the patient, which are locked.
func (r bookingRules) place(c *change.Change, p parties, a *db.CoreAppointment) error {
	if fields := append(r.wrongSlot(c, a), p.unknown(a.DoctorID, a.PatientID)...); len(fields) > 0 {
		return apperr.InvalidFields(fields...)
	}
	return p.check(a.DoctorID, a.PatientID)
}

// How far from today an appointment can be.
var earliestDate = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

const yearsAhead = 5

func (r bookingRules) wrongSlot(c *change.Change, a *db.CoreAppointment) []apperr.Field {
	var fields []apperr.Field
	if s := scheduling.Status(a.Status); a.ID == 0 && (s == scheduling.Cancelled || s == scheduling.NoShow) {
		fields = append(fields, apperr.Field{Name: "status", Code: "invalid_choice",
			Message: "A new appointment does not begin as cancelled or no_show."})
	}
	if wrong := r.wrongDate(a.Date, c.Now); wrong != nil {
		return append(fields, *wrong)
	}
	start, ok := scheduling.Instant(a.Date, a.Time, r.zone)
	if !ok {
		return append(fields, apperr.Field{Name: "time", Code: "no_such_time",
			Message: "The clocks are set forward over this time on that day. Choose another."})
	}
	a.StartsAt, a.EndsAt = start, start.Add(time.Duration(a.DurationMinutes)*time.Minute)
	today, _ := scheduling.Wall(c.Now, r.zone)
	switch {
	case isPatient(c.Actor) && a.Date.Before(today):
		fields = append(fields, apperr.Field{Name: "date", Code: "in_the_past", Message: "Choose a day that is yet to come."})
	case isPatient(c.Actor) && !start.After(c.Now):
		fields = append(fields, apperr.Field{Name: "time", Code: "in_the_past", Message: "Choose a time that is yet to come."})
	case isPatient(c.Actor) && !r.hours.Contains(scheduling.Interval{Start: a.StartsAt, End: a.EndsAt}, r.zone):
		fields = append(fields, apperr.Field{Name: "time", Code: "outside_working_hours",
			Message: "Choose a time within the working hours, from " + r.hours.Open.String() + " to " + r.hours.Close.String() + "."})
	}
	return fields
}

// wrongDate returns nil for a day that an appointment can be on.
func (r bookingRules) wrongDate(date, now time.Time) *apperr.Field {
	today, _ := scheduling.Wall(now, r.zone)
	if date.Before(earliestDate) || date.After(today.AddDate(yearsAhead, 0, 0)) {
		return &apperr.Field{Name: "date", Code: "out_of_range", Message: "Use a date from 1900 to five years from now."}
	}
	return nil
}

func isPatient(p authn.Principal) bool { return authz.OwnRows(p) != nil }

// awaited reports whether the patient has yet to come.
func awaited(a db.CoreAppointment) bool {
	return a.Status == string(scheduling.Scheduled) || a.Status == string(scheduling.Confirmed)
}
