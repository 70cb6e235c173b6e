package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/listing"
)

// GetPatientTimeline answers what happened to a patient, to a Patient the own record only.
func (h *handlers) GetPatientTimeline(ctx context.Context, r api.GetPatientTimelineRequestObject) (api.GetPatientTimelineResponseObject, error) {
	patient, err := db.New().PatientGet(ctx, h.DB, r.ID, authz.OwnRows(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	p := r.Params
	cursor := valueOr(p.Cursor, "")
	request := pageOf(nil, p.PageSize, &cursor, "", nil)
	page, err := listing.Timeline(ctx, h.DB, valueOr(patient.MergedIntoID, patient.ID), string(valueOr(p.Type, "")), request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.GetPatientTimeline200JSONResponse{
		Count: e.Count, Next: e.Next, Previous: e.Previous, Results: convert(page.Rows, toAPITimelineEntry),
	}, nil
}

func toAPITimelineEntry(t db.PatientTimelineRow) api.TimelineEntry {
	entry := api.TimelineEntry{
		Type: api.TimelineEntryType(t.Type), ID: t.ID, At: t.At, Title: t.Title, Status: t.Status,
		Doctor: toNullable(t.DoctorID), DoctorName: t.DoctorName, Amount: toNullable[string](nil),
	}
	if t.Amount != "" {
		entry.Amount = toNullable(&t.Amount)
	}
	return entry
}
