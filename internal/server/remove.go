package server

import (
	"context"

	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/change"
)

// removal says how a row of a resource is deleted.
type removal[R any] struct {
	Object  string // as the audit log calls it
	Lock    func(ctx context.Context, conn db.DBTX, id int64) (R, error)
	Delete  func(ctx context.Context, conn db.DBTX, id, version int64) (int64, error)
	Version func(R) int64
	// Patient returns whose record it is; without it the row is no patient's.
	Patient func(R) *int64
	// Check may refuse, once the row is locked. It may be nil.
	Check func(c *change.Change, row R) error
}

// remove deletes the row with this id in a change of its own and records its last state.
func remove[R any](ctx context.Context, h *handlers, id int64, ifMatch *string, r removal[R]) error {
	return h.changes.Do(ctx, func(c *change.Change) error {
		before, err := r.Lock(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, r.Version(before)); err != nil {
			return err
		}
		if r.Check != nil {
			if err := r.Check(c, before); err != nil {
				return err
			}
		}
		if _, err := r.Delete(ctx, c.Tx, id, r.Version(before)); err != nil {
			return err
		}
		entry := audit.Entry{Action: audit.Delete, Object: r.Object, ID: id, Before: before}
		if r.Patient != nil {
			entry.PatientID = r.Patient(before)
		}
		return c.Record(entry)
	})
}
