package server

import (
	"context"
	"errors"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/pg"
	"chelal/internal/scheduling"
)

// GetAvailability answers a doctor's free slots of a day.
func (h *handlers) GetAvailability(ctx context.Context, r api.GetAvailabilityRequestObject) (api.GetAvailabilityResponseObject, error) {
	rules, err := h.bookingRules(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.checkAvailability(ctx, rules, r.Params); err != nil {
		return nil, err
	}
	minutes, date := valueOr(r.Params.DurationMinutes, rules.usualMinutes()), r.Params.Date.Time
	// A day of UTC more at either end holds the day of every zone.
	busy, err := h.busy(ctx, db.AppointmentBusyParams{
		DoctorID: r.Params.Doctor, Since: date.AddDate(0, 0, -1), Until: date.AddDate(0, 0, 2),
	})
	if err != nil {
		return nil, err
	}
	slots := rules.hours.FreeSlots(date, time.Duration(minutes)*time.Minute, rules.zone, busy, h.Now())
	return api.GetAvailability200JSONResponse{
		Doctor: r.Params.Doctor, Date: r.Params.Date, DurationMinutes: minutes, Slots: convert(slots, toAPIFreeSlot),
		WorkingHoursStart: rules.hours.Open.String(), WorkingHoursEnd: rules.hours.Close.String(),
	}, nil
}

func (h *handlers) checkAvailability(ctx context.Context, rules bookingRules, p api.GetAvailabilityParams) error {
	var fields []apperr.Field
	if wrong := rules.wrongDate(p.Date.Time, h.Now()); wrong != nil {
		fields = append(fields, *wrong)
	}
	mayBeBooked, err := db.New().DoctorMayBeBooked(ctx, h.DB, p.Doctor)
	if err != nil {
		return err
	}
	if !mayBeBooked {
		fields = append(fields, notADoctor.Fields...)
	}
	if len(fields) > 0 {
		return apperr.InvalidFields(fields...)
	}
	return nil
}

// How many free slots are offered instead of one that is taken, and how far ahead they
// are looked for.
const (
	slotsOffered = 3
	daysOffered  = 60
)

// offerNextFree completes the refusal of a slot that is taken with the next ones that
// doctor and patient both have free. Any other outcome it returns as it is.
func (h *handlers) offerNextFree(ctx context.Context, rules bookingRules, wanted db.CoreAppointment, outcome error) error {
	if !errors.Is(outcome, pg.SlotTaken) {
		return outcome
	}
	from := wanted.StartsAt
	if now := h.Now(); from.Before(now) {
		from = now
	}
	busy, err := h.busy(ctx, db.AppointmentBusyParams{
		DoctorID: wanted.DoctorID, PatientID: &wanted.PatientID, ExceptID: wanted.ID,
		Since: from, Until: from.AddDate(0, 0, daysOffered+1),
	})
	if err != nil {
		return err
	}
	length := wanted.EndsAt.Sub(wanted.StartsAt)
	free := rules.hours.NextFree(from, slotsOffered, daysOffered, length, rules.zone, busy)
	return pg.SlotTaken.With("next_free", convert(free, toAPIFreeSlot)).Because(outcome)
}

func (h *handlers) busy(ctx context.Context, span db.AppointmentBusyParams) ([]scheduling.Interval, error) {
	rows, err := db.New().AppointmentBusy(ctx, h.DB, span)
	return convert(rows, func(r db.AppointmentBusyRow) scheduling.Interval {
		return scheduling.Interval{Start: r.StartsAt, End: r.EndsAt}
	}), err
}

func toAPIFreeSlot(s scheduling.Slot) api.FreeSlot {
	return api.FreeSlot{Date: openapi_types.Date{Time: s.Date}, Time: s.Time.String(), StartsAt: s.Start, EndsAt: s.End}
}
