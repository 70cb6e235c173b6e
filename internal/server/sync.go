package server

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/sync"
)

// syncAtOnce is how many operations are carried out while the caller waits.
const syncAtOnce = 200

// SyncOfflineData carries out what a device recorded while it was offline, in the
// background when it is much, or when the device has more waiting there.
func (h *handlers) SyncOfflineData(ctx context.Context, r api.SyncOfflineDataRequestObject) (api.SyncOfflineDataResponseObject, error) {
	device, operations, err := syncBody(ctx)
	if err != nil {
		return nil, err
	}
	key := r.Params.IdempotencyKey
	if err := h.findAnswer(ctx, "syncOfflineData", key); err != nil {
		return nil, err
	}
	waits := len(operations) > syncAtOnce
	if !waits && len(operations) > 0 {
		if waits, err = db.New().SyncDeviceBusy(ctx, h.DB, authn.PrincipalFrom(ctx).UserID, device); err != nil {
			return nil, err
		}
	}
	if waits {
		return h.queueSync(ctx, key, device, operations)
	}
	results, err := h.desk.Apply(ctx, device, operations)
	if err != nil {
		return nil, err
	}
	answer := syncAnswer{status: http.StatusOK, body: syncResults{Status: "sync completed", Results: results}}
	if key == nil {
		return answer, nil
	}
	return once(ctx, h, "syncOfflineData", key, api.SyncOfflineDataResponseObject.VisitSyncOfflineDataResponse,
		func(*change.Change) (api.SyncOfflineDataResponseObject, error) { return answer, nil })
}

// syncBody reads the body as it was checked: the generated type would make floats of the
// numbers in it.
func syncBody(ctx context.Context) (device string, operations []sync.Operation, err error) {
	var body struct {
		DeviceID   string            `json:"device_id"`
		Operations []sync.Operation  `json:"operations"`
		Batch      []json.RawMessage `json:"batch"`
	}
	if err := json.Unmarshal(bodyFrom(ctx), &body); err != nil {
		return "", nil, malformed.Because(err)
	}
	var fields []apperr.Field
	if len(body.Batch) > 0 {
		fields = append(fields, apperr.Field{Name: "batch", Code: "not_supported",
			Message: "Send operations; the page /docs/offline-sync.html says how."})
	}
	if len(body.Operations) > 0 && body.DeviceID == "" {
		fields = append(fields, apperr.Field{Name: "device_id", Code: "required", Message: "This field is required."})
	}
	if len(fields) > 0 {
		return "", nil, apperr.InvalidFields(fields...)
	}
	return body.DeviceID, body.Operations, nil
}

func (h *handlers) queueSync(ctx context.Context, key *string, device string, operations []sync.Operation) (api.SyncOfflineDataResponseObject, error) {
	return once(ctx, h, "syncOfflineData", key, api.SyncOfflineDataResponseObject.VisitSyncOfflineDataResponse,
		func(c *change.Change) (api.SyncOfflineDataResponseObject, error) {
			id, err := sync.Queue(ctx, c, device, operations)
			if err != nil {
				return nil, err
			}
			row, err := db.New().SyncBatchGet(ctx, c.Tx, id, nil)
			if err != nil {
				return nil, err
			}
			return syncAnswer{status: http.StatusAccepted, batch: &id, body: toSyncBatch(row, nil)}, nil
		})
}

// resultsAtOnce is how many results of a batch one answer has at most.
const resultsAtOnce = 500

// GetSyncBatch answers how far a batch has come, to the user who sent it and to an Admin.
func (h *handlers) GetSyncBatch(ctx context.Context, r api.GetSyncBatchRequestObject) (api.GetSyncBatchResponseObject, error) {
	row, err := db.New().SyncBatchGet(ctx, h.DB, r.Batch, authz.OwnUnlessAdmin(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	results, err := db.New().SyncBatchResults(ctx, h.DB, db.SyncBatchResultsParams{
		BatchID: r.Batch, After: valueOr(r.Params.After, 0), Most: resultsAtOnce,
	})
	if err != nil {
		return nil, err
	}
	return syncAnswer{status: http.StatusOK, body: toSyncBatch(row, results)}, nil
}

type syncResults struct {
	Status  string        `json:"status"`
	Results []sync.Result `json:"results"`
}

// syncBatch is the generated type with results as they are stored.
type syncBatch struct {
	api.SyncBatch
	Results []json.RawMessage `json:"results"`
}

func toSyncBatch(row db.SyncBatchGetRow, results []json.RawMessage) syncBatch {
	b := row.CoreSyncbatch
	status := api.SyncBatchStatusWorking
	switch b.Done {
	case 0:
		status = api.SyncBatchStatusWaiting
	case b.Total:
		status = api.SyncBatchStatusCompleted
	}
	return syncBatch{
		SyncBatch: api.SyncBatch{
			Batch: b.ID, DeviceID: b.DeviceID, Status: status, Total: b.Total, Done: b.Done, Applied: row.Applied,
			Duplicate: row.Duplicate, Conflict: row.Conflict, Rejected: row.Rejected, CreatedAt: b.CreatedAt,
			FinishedAt: toNullable(b.FinishedAt),
		},
		Results: append([]json.RawMessage{}, results...),
	}
}

// syncAnswer writes results as they are. In them stand the endpoints' own rows and
// problems, which the generated types would take apart and put together again.
type syncAnswer struct {
	status int
	batch  *uuid.UUID // where the results will be
	body   any
}

func (a syncAnswer) VisitSyncOfflineDataResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	if a.batch != nil {
		w.Header().Set("Location", "/api/sync_offline_data/"+a.batch.String()+"/")
	}
	w.WriteHeader(a.status)
	return json.NewEncoder(w).Encode(a.body)
}

func (a syncAnswer) VisitGetSyncBatchResponse(w http.ResponseWriter) error {
	return a.VisitSyncOfflineDataResponse(w)
}
