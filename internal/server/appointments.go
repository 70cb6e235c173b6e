package server

import (
	"context"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/listing"
	"chelal/internal/news"
	"chelal/internal/scheduling"
)

// ListAppointments answers appointments to staff, and to a Patient the own ones.
func (h *handlers) ListAppointments(ctx context.Context, r api.ListAppointmentsRequestObject) (api.ListAppointmentsResponseObject, error) {
	p := r.Params
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListAppointmentsParamsOrderingMinusDate)),
		appointmentConditions(authn.PrincipalFrom(ctx), p))
	page, err := listing.Appointments.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListAppointments200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, func(row db.AppointmentListRow) api.Appointment {
			return toAPIAppointment(db.AppointmentGetRow(row))
		}),
	}, nil
}

func appointmentConditions(caller authn.Principal, p api.ListAppointmentsParams) []listing.Condition {
	where := listing.AppointmentsFound(valueOr(p.Search, ""))
	if own := authz.OwnRows(caller); own != nil {
		where = append(where, listing.AppointmentsOwn(*own))
	}
	if p.Patient != nil {
		where = append(where, listing.AppointmentsOfPatient(*p.Patient))
	}
	if doctor := userWanted(caller, p.Doctor); doctor != nil {
		where = append(where, listing.AppointmentsOfDoctor(*doctor))
	}
	if p.Status != nil {
		where = append(where, listing.AppointmentsInState(string(*p.Status)))
	}
	if p.Date != nil {
		where = append(where, listing.AppointmentsOn(p.Date.Time))
	}
	if p.DateFrom != nil {
		where = append(where, listing.AppointmentsFrom(p.DateFrom.Time))
	}
	if p.DateTo != nil {
		where = append(where, listing.AppointmentsUntil(p.DateTo.Time))
	}
	return where
}

// GetAppointment answers one appointment, to a Patient an own one only.
func (h *handlers) GetAppointment(ctx context.Context, r api.GetAppointmentRequestObject) (api.GetAppointmentResponseObject, error) {
	row, err := db.New().AppointmentGet(ctx, h.DB, r.ID, authz.OwnRows(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	return api.GetAppointment200JSONResponse{
		Body: toAPIAppointment(row), Headers: api.GetAppointment200ResponseHeaders{ETag: etag(row.CoreAppointment.Version)},
	}, nil
}

// CreateAppointment books an appointment.
func (h *handlers) CreateAppointment(ctx context.Context, r api.CreateAppointmentRequestObject) (api.CreateAppointmentResponseObject, error) {
	rules, err := h.bookingRules(ctx)
	if err != nil {
		return nil, err
	}
	wanted := unbooked
	applyAppointment(&wanted, replacedAppointment(*r.Body, rules))
	response, err := once(ctx, h, "createAppointment", r.Params.IdempotencyKey, api.CreateAppointmentResponseObject.VisitCreateAppointmentResponse,
		func(c *change.Change) (api.CreateAppointmentResponseObject, error) {
			row, err := book(ctx, c, rules, &wanted)
			if err != nil {
				return nil, err
			}
			return api.CreateAppointment201JSONResponse{
				Body: toAPIAppointment(row), Headers: api.CreateAppointment201ResponseHeaders{ETag: etag(row.CoreAppointment.Version)},
			}, nil
		})
	return response, h.offerNextFree(ctx, rules, wanted, err)
}

// ReplaceAppointment sets the writable properties of an appointment.
func (h *handlers) ReplaceAppointment(ctx context.Context, r api.ReplaceAppointmentRequestObject) (api.ReplaceAppointmentResponseObject, error) {
	rules, err := h.bookingRules(ctx)
	if err != nil {
		return nil, err
	}
	row, err := h.changeAppointment(ctx, r.ID, r.Params.IfMatch, rules, replacedAppointment(*r.Body, rules))
	if err != nil {
		return nil, err
	}
	return api.ReplaceAppointment200JSONResponse{
		Body: toAPIAppointment(row), Headers: api.ReplaceAppointment200ResponseHeaders{ETag: etag(row.CoreAppointment.Version)},
	}, nil
}

// UpdateAppointment sets the named properties of an appointment.
func (h *handlers) UpdateAppointment(ctx context.Context, r api.UpdateAppointmentRequestObject) (api.UpdateAppointmentResponseObject, error) {
	rules, err := h.bookingRules(ctx)
	if err != nil {
		return nil, err
	}
	row, err := h.changeAppointment(ctx, r.ID, r.Params.IfMatch, rules, *r.Body)
	if err != nil {
		return nil, err
	}
	return api.UpdateAppointment200JSONResponse{
		Body: toAPIAppointment(row), Headers: api.UpdateAppointment200ResponseHeaders{ETag: etag(row.CoreAppointment.Version)},
	}, nil
}

// DeleteAppointment removes an appointment; its encounters stay. To whom it mattered it is
// a cancellation.
func (h *handlers) DeleteAppointment(ctx context.Context, r api.DeleteAppointmentRequestObject) (api.DeleteAppointmentResponseObject, error) {
	return api.DeleteAppointment204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreAppointment]{
		Object: "appointment", Lock: db.New().AppointmentLock, Delete: db.New().AppointmentDelete,
		Version: func(row db.CoreAppointment) int64 { return row.Version },
		Patient: func(row db.CoreAppointment) *int64 { return &row.PatientID },
		Check: func(c *change.Change, row db.CoreAppointment) error {
			if err := news.Appointment(c, news.Deleted, row, row); err != nil {
				return err
			}
			return notifyRemoval(ctx, c, row)
		},
	})
}

// replacedAppointment is a patch that names every property: what is left out has its
// default. The status and the reason for overbooking stay as they are.
func replacedAppointment(w api.AppointmentWrite, rules bookingRules) api.AppointmentPatch {
	return api.AppointmentPatch{
		Patient: &w.Patient, Doctor: &w.Doctor, Date: &w.Date, Time: &w.Time,
		DurationMinutes: new(valueOr(w.DurationMinutes, rules.usualMinutes())), Notes: new(valueOr(w.Notes, "")),
		Status: w.Status, OverbookReason: w.OverbookReason,
	}
}

func applyAppointment(a *db.CoreAppointment, patch api.AppointmentPatch) {
	a.PatientID = valueOr(patch.Patient, a.PatientID)
	a.DoctorID = valueOr(patch.Doctor, a.DoctorID)
	a.Date = valueOr(patch.Date, openapi_types.Date{Time: a.Date}).Time
	if patch.Time != nil {
		a.Time, _ = scheduling.ParseClock(*patch.Time) // the contract lets nothing else through
	}
	a.DurationMinutes = valueOr(patch.DurationMinutes, a.DurationMinutes)
	a.Status = string(valueOr(patch.Status, api.AppointmentStatus(a.Status)))
	a.Notes = valueOr(patch.Notes, a.Notes)
	a.OverbookReason = valueOr(patch.OverbookReason, a.OverbookReason)
}

func toAPIAppointment(row db.AppointmentGetRow) api.Appointment {
	a := row.CoreAppointment
	return api.Appointment{
		ID: a.ID, PatientName: row.PatientName, DoctorName: row.DoctorName, Date: openapi_types.Date{Time: a.Date},
		Time: a.Time.String(), Status: api.AppointmentStatus(a.Status), Notes: a.Notes, CreatedAt: a.CreatedAt,
		UpdatedAt: a.UpdatedAt, Patient: a.PatientID, Doctor: a.DoctorID, DurationMinutes: a.DurationMinutes,
		StartsAt: a.StartsAt, EndsAt: a.EndsAt, Overbooked: a.OverbookReason != "", OverbookReason: a.OverbookReason,
		Version: a.Version,
	}
}
