package sync

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/pg"
)

// Desk carries operations out. All of it is required.
type Desk struct {
	Changes *change.Store
	// Send answers a request of the caller of ctx as the endpoint would, in the transaction
	// of ctx.
	Send func(ctx context.Context, r Request) Answer
	// Problem words a refusal as the endpoints do.
	Problem func(ctx context.Context, refusal *apperr.Error) json.RawMessage
}

// attempts is how often an operation is tried that the database could not finish, because
// of others in its way for one.
const attempts = 3

// Apply carries out the operations of one of the caller's devices, each in a transaction
// of its own, and returns the result of each. When it fails, those before the failure are
// done and remembered, and the same operations may be sent again.
func (d *Desk) Apply(ctx context.Context, device string, operations []Operation) ([]Result, error) {
	results := make([]Result, len(operations))
	for i, op := range operations {
		err := d.inTx(ctx, func(tx pgx.Tx) error {
			if err := db.New().SyncDeviceLock(ctx, tx, authn.PrincipalFrom(ctx).UserID, device); err != nil {
				return err
			}
			var err error
			results[i], err = d.carryOut(ctx, tx, device, op)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

func (d *Desk) inTx(ctx context.Context, f func(pgx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := pg.Translate(pg.InTx(ctx, d.Changes.DB, f))
		if attempt == attempts || !errors.Is(err, pg.Unavailable) || ctx.Err() != nil {
			return err
		}
	}
}

// carryOut decides an operation within tx, which holds the lock of the device, and
// remembers the result there. What was decided before is not done again.
func (d *Desk) carryOut(ctx context.Context, tx pgx.Tx, device string, op Operation) (Result, error) {
	caller := authn.PrincipalFrom(ctx)
	hash, err := op.hash()
	if err != nil {
		return Result{}, err
	}
	first, err := db.New().SyncOperationGet(ctx, tx, db.SyncOperationGetParams{UserID: caller.UserID, DeviceID: device, OpID: op.OpID})
	if err == nil {
		return d.again(ctx, op, hash, first)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return Result{}, err
	}
	result, err := d.decide(ctx, tx, device, op)
	if err != nil {
		return result, err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return result, err
	}
	remembered := db.SyncOperationCreateParams{
		UserID: caller.UserID, DeviceID: device, OpID: op.OpID, Hash: hash, Entity: op.Entity, Action: op.Action,
		Status: result.Status, RowID: result.ID, Version: result.Version, Result: text, RecordedAt: op.RecordedAt,
		Now: d.Changes.Now().UTC(),
	}
	if op.Action == Create {
		remembered.TempID = op.TempID
	}
	return result, db.New().SyncOperationCreate(ctx, tx, remembered)
}

// again answers an operation whose op_id was used before.
func (d *Desk) again(ctx context.Context, op Operation, hash []byte, first db.SyncOperationGetRow) (Result, error) {
	if string(hash) != string(first.Hash) {
		return d.rejected(ctx, op, reused), nil
	}
	var result Result
	if err := json.Unmarshal(first.Result, &result); err != nil {
		return result, err
	}
	result.FirstStatus, result.Status = result.Status, Duplicate
	return result, nil
}

// decide sends the request that the operation stands for. An error decides nothing.
func (d *Desk) decide(ctx context.Context, tx pgx.Tx, device string, op Operation) (Result, error) {
	past, err := recall(ctx, tx, device, op)
	if err != nil {
		return Result{}, err
	}
	r, err := op.request(past)
	if refusal, ok := errors.AsType[*apperr.Error](err); ok {
		return d.rejected(ctx, op, refusal), nil
	}
	if err != nil {
		return Result{}, err
	}
	offline := change.OriginFrom(ctx)
	offline.Offline = &change.Offline{Device: device, OpID: op.OpID, RecordedAt: op.RecordedAt}
	ctx = change.WithOrigin(ctx, offline)
	answer, err := d.send(ctx, tx, r)
	if err != nil {
		return Result{}, err
	}
	switch {
	case answer.Status < http.StatusBadRequest:
		return applied(op, r, answer)
	case answer.Status == http.StatusPreconditionFailed:
		return d.conflict(ctx, tx, op, r)
	}
	return refused(op, r, answer), nil
}

var errRefused = errors.New("the endpoint refuses")

// send sends a request within a savepoint, so that one that is refused leaves nothing. An
// endpoint that is not able to answer at the moment is an error.
func (d *Desk) send(ctx context.Context, tx pgx.Tx, r Request) (Answer, error) {
	var answer Answer
	err := pg.InTx(ctx, tx, func(savepoint pgx.Tx) error {
		answer = d.Send(pg.WithTx(ctx, savepoint), r)
		switch {
		case answer.Status == http.StatusServiceUnavailable, answer.Status == http.StatusTooManyRequests:
			return pg.Unavailable
		case answer.Status >= http.StatusBadRequest:
			return errRefused
		}
		return nil
	})
	if errors.Is(err, errRefused) {
		err = nil
	}
	return answer, err
}

// conflict answers the row as it is, to a device that has not seen it so.
func (d *Desk) conflict(ctx context.Context, tx pgx.Tx, op Operation, r Request) (Result, error) {
	answer, err := d.send(ctx, tx, Request{Method: http.MethodGet, Path: r.Path})
	if err != nil {
		return Result{}, err
	}
	if answer.Status != http.StatusOK {
		return refused(op, r, answer), nil
	}
	result, err := resultWith(op, answer)
	result.Status = Conflict
	if err != nil {
		return result, err
	}
	base, err := db.New().SyncRowAt(ctx, tx, db.SyncRowAtParams{Entity: op.Entity, RowID: r.ID, Version: &r.Version})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return result, err
	}
	result.Fields = differences(op.Data, result.Row, base)
	return result, nil
}

func (d *Desk) rejected(ctx context.Context, op Operation, refusal *apperr.Error) Result {
	return Result{
		OpID: op.OpID, Entity: op.Entity, Action: op.Action, Status: Rejected, ID: op.ID, TempID: op.TempID,
		Problem: d.Problem(ctx, refusal),
	}
}

func refused(op Operation, r Request, answer Answer) Result {
	return Result{
		OpID: op.OpID, Entity: op.Entity, Action: op.Action, Status: Rejected, ID: r.ID, TempID: op.TempID,
		Problem: answer.Body,
	}
}

func applied(op Operation, r Request, answer Answer) (Result, error) {
	if answer.Status == http.StatusNoContent {
		return Result{OpID: op.OpID, Entity: op.Entity, Action: op.Action, Status: Applied, ID: r.ID, TempID: op.TempID}, nil
	}
	return resultWith(op, answer)
}

// resultWith reads the row that an endpoint answered.
func resultWith(op Operation, answer Answer) (Result, error) {
	var row struct{ ID, Version int64 }
	err := json.Unmarshal(answer.Body, &row)
	return Result{
		OpID: op.OpID, Entity: op.Entity, Action: op.Action, Status: Applied, ID: &row.ID, TempID: op.TempID,
		Version: &row.Version, Row: answer.Body,
	}, err
}
