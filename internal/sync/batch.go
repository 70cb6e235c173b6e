package sync

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/jobs"
)

// Queue stores operations of one of the caller's devices, to be carried out in the
// background, and returns the id of their batch.
func Queue(ctx context.Context, c *change.Change, device string, operations []Operation) (uuid.UUID, error) {
	text, err := json.Marshal(operations)
	if err != nil {
		return uuid.Nil, err
	}
	batch := db.SyncBatchCreateParams{
		ID: uuid.Must(uuid.NewV7()), UserID: c.Actor.UserID, DeviceID: device, Total: int32(len(operations)),
		RequestID: c.Origin.RequestID, UserAgent: c.Origin.UserAgent, Now: c.Now,
	}
	if c.Origin.IP.IsValid() {
		batch.IPAddress = &c.Origin.IP
	}
	q := db.New()
	if err := q.SyncBatchCreate(ctx, c.Tx, batch); err != nil {
		return batch.ID, err
	}
	if err := q.SyncBatchOperationsCreate(ctx, c.Tx, batch.ID, text); err != nil {
		return batch.ID, err
	}
	return batch.ID, c.Enqueue(ctx, jobs.SyncBatch{Batch: batch.ID}, nil)
}

// Work carries out what the device of a batch has waiting, the oldest first, each operation as
// the user who sent it, with the role of now. It may be called again whatever became of an
// earlier call, and at once with others.
func (d *Desk) Work(ctx context.Context, batch uuid.UUID) error {
	device, err := db.New().SyncBatchOwner(ctx, d.Changes.DB, batch)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // worked off already
	}
	for more := true; more && err == nil; {
		err = d.inTx(ctx, func(tx pgx.Tx) error {
			more, err = d.workNext(ctx, tx, device)
			return err
		})
	}
	return err
}

// workNext carries out the next operation of a device and writes its result into its batch.
func (d *Desk) workNext(ctx context.Context, tx pgx.Tx, device db.SyncBatchOwnerRow) (more bool, err error) {
	q := db.New()
	if err := q.SyncDeviceLock(ctx, tx, device.UserID, device.DeviceID); err != nil {
		return false, err
	}
	next, err := q.SyncNext(ctx, tx, device.UserID, device.DeviceID)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var op Operation
	if err := json.Unmarshal(next.Operation, &op); err != nil {
		return false, err
	}
	origin := change.Origin{RequestID: next.RequestID, UserAgent: next.UserAgent}
	if next.IPAddress != nil {
		origin.IP = *next.IPAddress
	}
	ctx = authn.WithPrincipal(change.WithOrigin(ctx, origin), authn.Principal{
		UserID: next.UserID, Username: next.Username, Role: next.Role, PasswordChangeRequired: next.PasswordChangeRequired,
	})
	result, err := d.carryOut(ctx, tx, device.DeviceID, op)
	if err != nil {
		return false, err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return false, err
	}
	return true, q.SyncDecide(ctx, tx, db.SyncDecideParams{
		BatchID: next.BatchID, Position: next.Position, Status: &result.Status, Result: text, Now: d.Changes.Now().UTC(),
	})
}
