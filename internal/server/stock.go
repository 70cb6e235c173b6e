package server

import (
	"context"

	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/notice"
	"chelal/internal/pg"
)

// moveStock writes a row of the ledger of a medication, which the caller has locked, and
// tells the pharmacy when the stock becomes low by it. It fills in who and when, and
// answers InsufficientStock, with what is available, when the stock would fall below zero.
func moveStock(ctx context.Context, c *change.Change, m db.CoreMedication, move db.StockMoveParams) (db.CoreStockmovement, error) {
	if m.CurrentStock+move.Quantity < 0 {
		return db.CoreStockmovement{}, pg.InsufficientStock.With("available", m.CurrentStock)
	}
	move.MedicationID, move.UserID, move.Now = m.ID, &c.Actor.UserID, c.Now
	row, err := db.New().StockMove(ctx, c.Tx, move)
	if err != nil {
		return row, err
	}
	after := m
	after.CurrentStock = row.StockAfter
	if err := notifyLowStock(ctx, c, m, after); err != nil {
		return row, err
	}
	return row, c.Record(audit.Entry{Action: audit.Create, Object: "stockmovement", ID: row.ID, After: row})
}

// notifyLowStock tells Pharmacists and Admins that a medication's stock has come down to
// its reorder level; once for each crossing, since before it was above.
func notifyLowStock(ctx context.Context, c *change.Change, before, after db.CoreMedication) error {
	if before.CurrentStock <= before.ReorderLevel || after.CurrentStock > after.ReorderLevel {
		return nil
	}
	n := notice.LowStock(after.Name, after.CurrentStock, after.ReorderLevel)
	return notify(ctx, c, n, audience{Roles: []string{authn.RolePharmacist, authn.RoleAdmin}}, nil)
}
