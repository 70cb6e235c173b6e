package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/listing"
	"chelal/internal/news"
	"chelal/internal/notice"
	"chelal/internal/pg"
)

// moveStock writes a row of the ledger of a medication, which the caller has locked, and
// tells the pharmacy when the stock becomes low by it. It fills in who and when, and
// answers InsufficientStock, with what is available, when the stock would fall below zero.
func moveStock(ctx context.Context, c *change.Change, m db.CoreMedication, move db.StockMoveParams) (db.CoreStockmovement, error) {
	row, err := writeMovement(ctx, c, m, move)
	if err != nil {
		return row, err
	}
	after := m
	after.CurrentStock = row.StockAfter
	return row, notifyLowStock(ctx, c, m, after)
}

// writeMovement is moveStock for a caller who tells the pharmacy by itself.
func writeMovement(ctx context.Context, c *change.Change, m db.CoreMedication, move db.StockMoveParams) (db.CoreStockmovement, error) {
	if m.CurrentStock+move.Quantity < 0 {
		return db.CoreStockmovement{}, pg.InsufficientStock.With("available", m.CurrentStock)
	}
	move.MedicationID, move.UserID, move.Now = m.ID, &c.Actor.UserID, c.Now
	row, err := db.New().StockMove(ctx, c.Tx, move)
	if err != nil {
		return row, err
	}
	return row, c.Record(audit.Entry{Action: audit.Create, Object: "stockmovement", ID: row.ID, After: row})
}

// The movements that bring a stock to what a record says; the quantity is the difference.
var (
	opening    = db.StockMoveParams{Kind: string(api.StockMovementKindOpening), Reason: "Opening stock"}
	correction = db.StockMoveParams{Kind: string(api.StockMovementKindCorrection), Reason: "Stock corrected through the record"}
)

// setStock brings the stock of a locked medication to a number and returns the medication
// as it is then. It does not tell the pharmacy.
func setStock(ctx context.Context, c *change.Change, m db.CoreMedication, stock int32, move db.StockMoveParams) (db.CoreMedication, error) {
	if stock == m.CurrentStock {
		return m, nil
	}
	move.Quantity = stock - m.CurrentStock
	if _, err := writeMovement(ctx, c, m, move); err != nil {
		return m, err
	}
	return db.New().MedicationGet(ctx, c.Tx, m.ID)
}

// notifyLowStock tells Pharmacists and Admins that a medication's stock has come down to
// its reorder level; once for each crossing, since before it was above.
func notifyLowStock(ctx context.Context, c *change.Change, before, after db.CoreMedication) error {
	if before.CurrentStock <= before.ReorderLevel || after.CurrentStock > after.ReorderLevel {
		return nil
	}
	n := notice.LowStock(after.Name, after.CurrentStock, after.ReorderLevel)
	return news.Notify(ctx, c, n, news.Audience{Roles: []string{authn.RolePharmacist, authn.RoleAdmin}}, nil)
}

var nothingMoved = apperr.InvalidFields(apperr.Field{Name: "quantity", Code: "zero",
	Message: "Say what came as a positive number, what went as a negative one."})

// AdjustStock adds a signed quantity to the stock of a medication.
func (h *handlers) AdjustStock(ctx context.Context, r api.AdjustStockRequestObject) (api.AdjustStockResponseObject, error) {
	if r.Body.Quantity == 0 {
		return nil, nothingMoved
	}
	return once(ctx, h, "adjustStock", r.Params.IdempotencyKey, api.AdjustStockResponseObject.VisitAdjustStockResponse,
		func(c *change.Change) (api.AdjustStockResponseObject, error) {
			m, err := db.New().MedicationLock(ctx, c.Tx, r.ID)
			if err != nil {
				return nil, err
			}
			moved, err := moveStock(ctx, c, m, db.StockMoveParams{
				Quantity: r.Body.Quantity, Kind: string(api.StockMovementKindAdjustment), Reason: r.Body.Reason,
			})
			if err != nil {
				return nil, err
			}
			row, err := db.New().StockMovementGet(ctx, c.Tx, moved.ID)
			return api.AdjustStock201JSONResponse(toAPIStockMovement(db.StockMovementListRow(row))), err
		})
}

// ListStockMovements answers the ledger of a medication's stock.
func (h *handlers) ListStockMovements(ctx context.Context, r api.ListStockMovementsRequestObject) (api.ListStockMovementsResponseObject, error) {
	p := r.Params
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListStockMovementsParamsOrderingMinusID)),
		[]listing.Condition{listing.StockMovementsOf(r.ID)})
	page, err := listing.StockMovements.Read(ctx, h.DB, request)
	if err == nil && len(page.Rows) == 0 { // never moved, or no such medication
		_, err = db.New().MedicationGet(ctx, h.DB, r.ID)
	}
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListStockMovements200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPIStockMovement),
	}, nil
}

func toAPIStockMovement(row db.StockMovementListRow) api.StockMovement {
	s := row.CoreStockmovement
	return api.StockMovement{
		ID: s.ID, Medication: s.MedicationID, Quantity: s.Quantity, Kind: api.StockMovementKind(s.Kind), Reason: s.Reason,
		StockAfter: s.StockAfter, Prescription: toNullable(s.PrescriptionID), User: toNullable(s.UserID),
		UserName: row.UserName, CreatedAt: s.CreatedAt,
	}
}
