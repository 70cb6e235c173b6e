package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/oapi-codegen/nullable"
)

// All walks through a list to its end, page by page behind the scenes, neither repeating nor
// skipping a row when others are added meanwhile. It takes the list's operation and its
// parameters:
//
//	for patient, err := range client.All(ctx, session.ListPatientsWithResponse, &client.ListPatientsParams{}) {
//
// After an error it ends. Pages hold 200 rows unless params says otherwise.
func All[T any, L interface {
	page() ([]T, nullable.Nullable[string])
}, R interface{ GetJSON200() *L }, P any](
	ctx context.Context, list func(context.Context, *P, ...RequestEditorFn) (R, error), params *P,
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for cursor, more := "", true; more; {
			answer, err := list(ctx, params, atCursor(cursor))
			if err != nil {
				yield(none, err)
				return
			}
			rows, next := (*answer.GetJSON200()).page()
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if more = next.IsSpecified() && !next.IsNull(); more {
				address, err := url.Parse(next.MustGet())
				if err != nil {
					yield(none, err)
					return
				}
				cursor = address.Query().Get("cursor")
			}
		}
	}
}

func atCursor(cursor string) RequestEditorFn {
	return func(_ context.Context, request *http.Request) error {
		query := request.URL.Query()
		query.Del("page")
		query.Set("cursor", cursor)
		if !query.Has("page_size") {
			query.Set("page_size", "200")
		}
		request.URL.RawQuery = query.Encode()
		return nil
	}
}

// The lists of the contract, so that All knows them.

func (l AppointmentList) page() ([]Appointment, nullable.Nullable[string]) { return l.Results, l.Next }
func (l AuditLogList) page() ([]AuditLog, nullable.Nullable[string])       { return l.Results, l.Next }
func (l BillItemList) page() ([]BillItem, nullable.Nullable[string])       { return l.Results, l.Next }
func (l BillList) page() ([]Bill, nullable.Nullable[string])               { return l.Results, l.Next }
func (l EncounterList) page() ([]Encounter, nullable.Nullable[string])     { return l.Results, l.Next }
func (l LoginActivityList) page() ([]LoginActivity, nullable.Nullable[string]) {
	return l.Results, l.Next
}
func (l MedicationList) page() ([]Medication, nullable.Nullable[string]) { return l.Results, l.Next }
func (l NotificationList) page() ([]Notification, nullable.Nullable[string]) {
	return l.Results, l.Next
}
func (l PatientList) page() ([]Patient, nullable.Nullable[string]) { return l.Results, l.Next }
func (l PaymentList) page() ([]Payment, nullable.Nullable[string]) { return l.Results, l.Next }
func (l PrescriptionList) page() ([]Prescription, nullable.Nullable[string]) {
	return l.Results, l.Next
}
func (l ReportFileList) page() ([]ReportFile, nullable.Nullable[string]) { return l.Results, l.Next }
func (l RoleChangeRequestList) page() ([]RoleChangeRequest, nullable.Nullable[string]) {
	return l.Results, l.Next
}
func (l RoleList) page() ([]Role, nullable.Nullable[string])               { return l.Results, l.Next }
func (l ServiceItemList) page() ([]ServiceItem, nullable.Nullable[string]) { return l.Results, l.Next }
func (l StockMovementList) page() ([]StockMovement, nullable.Nullable[string]) {
	return l.Results, l.Next
}
func (l SystemSettingList) page() ([]SystemSetting, nullable.Nullable[string]) {
	return l.Results, l.Next
}
func (l UserList) page() ([]User, nullable.Nullable[string])              { return l.Results, l.Next }
func (l TimelineList) page() ([]TimelineEntry, nullable.Nullable[string]) { return l.Results, l.Next }
func (l TrailList) page() ([]TrailEntry, nullable.Nullable[string])       { return l.Results, l.Next }

// Of makes the list of one record fit for All, as the timeline of a patient:
//
//	client.All(ctx, client.Of(id, session.GetPatientTimelineWithResponse), &client.GetPatientTimelineParams{})
func Of[P, R any](id ID, list func(context.Context, ID, *P, ...RequestEditorFn) (R, error)) func(context.Context, *P, ...RequestEditorFn) (R, error) {
	return func(ctx context.Context, params *P, editors ...RequestEditorFn) (R, error) {
		return list(ctx, id, params, editors...)
	}
}
