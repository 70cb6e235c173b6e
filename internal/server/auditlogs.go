package server

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/oapi-codegen/nullable"
	openapi_types "github.com/oapi-codegen/runtime/types"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/auditlog"
	"chelal/internal/authn"
	"chelal/internal/listing"
)

// ListAuditLogs answers rows of the audit log.
func (h *handlers) ListAuditLogs(ctx context.Context, r api.ListAuditLogsRequestObject) (api.ListAuditLogsResponseObject, error) {
	p := r.Params
	request := pageOf(p.Page, p.PageSize, p.Cursor,
		string(valueOr(p.Ordering, api.ListAuditLogsParamsOrderingMinusTimestamp)), h.auditConditions(ctx, p))
	page, err := listing.AuditLogs.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListAuditLogs200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, func(row db.AuditLogListRow) api.AuditLog { return toAPIAuditLog(db.AuditLogGetRow(row)) }),
	}, nil
}

func (h *handlers) auditConditions(ctx context.Context, p api.ListAuditLogsParams) []listing.Condition {
	where := h.deedConditions(p.Action, p.ObjectType, p.DateFrom, p.DateTo)
	if user := userWanted(authn.PrincipalFrom(ctx), p.User); user != nil {
		where = append(where, listing.DeedsOf(*user))
	}
	if p.ObjectID != nil {
		where = append(where, listing.DeedsToRecord(*p.ObjectID))
	}
	if p.Patient != nil {
		where = append(where, listing.DeedsAbout(*p.Patient))
	}
	if p.RequestID != nil {
		where = append(where, listing.DeedsByRequest(*p.RequestID))
	}
	return append(where, listing.DeedsFound(valueOr(p.Search, ""))...)
}

// deedConditions are the filters that the log and the own trail share.
func (h *handlers) deedConditions(action *api.AuditAction, object *string, from, to *openapi_types.Date) []listing.Condition {
	var where []listing.Condition
	if action != nil {
		where = append(where, listing.DeedsBy(string(*action)))
	}
	if object != nil {
		where = append(where, listing.DeedsTo(*object))
	}
	if from != nil {
		where = append(where, listing.DeedsFrom(h.dayStart(*from)))
	}
	if to != nil {
		where = append(where, listing.DeedsUntil(h.dayEnd(*to)))
	}
	return where
}

// GetAuditLog answers one row of the audit log.
func (h *handlers) GetAuditLog(ctx context.Context, r api.GetAuditLogRequestObject) (api.GetAuditLogResponseObject, error) {
	row, err := db.New().AuditLogGet(ctx, h.DB, r.ID)
	if err != nil {
		return nil, err
	}
	return api.GetAuditLog200JSONResponse(toAPIAuditLog(row)), nil
}

// verifyTime is how long one request walks along the chain of seals.
const verifyTime = 20 * time.Second

// VerifyAuditLog walks along the chain of seals, as far as it gets in its time.
func (h *handlers) VerifyAuditLog(ctx context.Context, r api.VerifyAuditLogRequestObject) (api.VerifyAuditLogResponseObject, error) {
	walking, stop := context.WithTimeout(ctx, verifyTime)
	defer stop()
	found, err := auditlog.Verify(ctx, h.DB, h.SealKeys, valueOr(r.Params.After, 0),
		func(auditlog.Verification) bool { return walking.Err() == nil })
	if err != nil {
		return nil, err
	}
	return api.VerifyAuditLog200JSONResponse(toAPIVerification(found)), nil
}

func toAPIVerification(v auditlog.Verification) api.AuditVerification {
	a := api.AuditVerification{
		Intact: v.Broken == nil, Complete: v.Complete, Rows: v.Rows, Seals: v.Seals, LastSeal: v.Head.Seal, Head: v.Head.Hash,
		Archived: append([]string{}, v.Archived...), ArchivedRows: v.ArchivedRows, Unsealed: v.Unsealed,
	}
	if v.Broken != nil {
		a.Broken = &api.AuditBreak{Seal: v.Broken.Seal, Code: api.AuditBreakCode(v.Broken.Code), Detail: v.Broken.Detail}
	}
	return a
}

// ListOwnAuditLog answers what the caller did, or what was done to the caller's own
// patient record.
func (h *handlers) ListOwnAuditLog(ctx context.Context, r api.ListOwnAuditLogRequestObject) (api.ListOwnAuditLogResponseObject, error) {
	p, caller := r.Params, authn.PrincipalFrom(ctx).UserID
	about := p.About != nil
	where := h.deedConditions(p.Action, p.ObjectType, p.DateFrom, p.DateTo)
	if about {
		where = append(where, listing.DeedsAboutRecordOf(caller))
	} else {
		where = append(where, listing.DeedsOf(caller))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListOwnAuditLogParamsOrderingMinusTimestamp)), where)
	page, err := listing.Trail.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListOwnAuditLog200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: convert(page.Rows, func(row db.TrailListRow) api.TrailEntry {
			if about {
				row.Description = "" // that of a merge names other records
			}
			return toAPITrailEntry(row)
		}),
	}, nil
}

func toAPIAuditLog(a db.AuditLogGetRow) api.AuditLog {
	row := api.AuditLog{
		ID: a.ID, UserID: a.UserID, Action: a.Action, ObjectType: toNullable(a.ObjectType), ObjectID: toNullable(recordOf(a.ObjectType, a.ObjectID, a.PatientID)),
		Description: a.Description, Timestamp: a.Timestamp, Details: nullable.NewNullNullable[json.RawMessage](),
		Patient: toNullable(a.PatientID), RequestID: a.RequestID, IPAddress: nullable.NewNullNullable[string](),
		Patients: a.PatientIds, ObjectIds: a.ObjectIds,
	}
	if a.UserID != nil {
		row.User = &a.Username
	}
	if a.Details != nil {
		row.Details = nullable.NewNullableWithValue(a.Details)
	}
	if a.IPAddress != nil {
		row.IPAddress = nullable.NewNullableWithValue(a.IPAddress.String())
	}
	return row
}

// recordOf answers the id of the record: of a patient who was shown only the patient is noted.
func recordOf(object, id *string, patient *int64) *string {
	if id == nil && patient != nil && valueOr(object, "") == "patient" {
		return new(strconv.FormatInt(*patient, 10))
	}
	return id
}

func toAPITrailEntry(t db.TrailListRow) api.TrailEntry {
	return api.TrailEntry{
		ID: t.ID, Timestamp: t.Timestamp, Action: t.Action, ObjectType: toNullable(t.ObjectType), ObjectID: toNullable(recordOf(t.ObjectType, t.ObjectID, t.PatientID)),
		Description: t.Description, UserName: t.UserName, UserRole: t.UserRole,
	}
}
