package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/listing"
)

// ListBillItems answers the items of bills to staff, and to a Patient those of the own.
func (h *handlers) ListBillItems(ctx context.Context, r api.ListBillItemsRequestObject) (api.ListBillItemsResponseObject, error) {
	p := r.Params
	var where []listing.Condition
	if own := authz.OwnRows(authn.PrincipalFrom(ctx)); own != nil {
		where = append(where, listing.PatientsOf(*own))
	}
	if p.Bill != nil {
		where = append(where, listing.BillItemsOfBill(*p.Bill))
	}
	if p.ServiceItem != nil {
		where = append(where, listing.BillItemsOfService(*p.ServiceItem))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListBillItemsParamsOrderingID)), where)
	page, err := listing.BillItems.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListBillItems200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPIBillItem),
	}, nil
}

// GetBillItem answers one item, to a Patient one of an own bill only.
func (h *handlers) GetBillItem(ctx context.Context, r api.GetBillItemRequestObject) (api.GetBillItemResponseObject, error) {
	row, err := db.New().BillItemGet(ctx, h.DB, r.ID, authz.OwnRows(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	return api.GetBillItem200JSONResponse{
		Body: toAPIBillItem(row), Headers: api.GetBillItem200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// CreateBillItem adds an item to a bill that is not paid.
func (h *handlers) CreateBillItem(ctx context.Context, r api.CreateBillItemRequestObject) (api.CreateBillItemResponseObject, error) {
	return once(ctx, h, "createBillItem", r.Params.IdempotencyKey, api.CreateBillItemResponseObject.VisitCreateBillItemResponse,
		func(c *change.Change) (api.CreateBillItemResponseObject, error) {
			row, err := createBillItem(ctx, c, r.Body.Bill, api.BillLine{
				ServiceItem: r.Body.ServiceItem, Description: r.Body.Description, Amount: r.Body.Amount, Quantity: r.Body.Quantity,
			})
			if err != nil {
				return nil, err
			}
			return api.CreateBillItem201JSONResponse{
				Body: toAPIBillItem(row), Headers: api.CreateBillItem201ResponseHeaders{ETag: etag(row.Version)},
			}, nil
		})
}

func createBillItem(ctx context.Context, c *change.Change, billID int64, line api.BillLine) (db.CoreBillitem, error) {
	var none db.CoreBillitem
	catalogue, err := servicesOf(ctx, c, line)
	if err != nil {
		return none, err
	}
	item, fields := catalogue.item(line, "")
	bill, err := db.New().BillLock(ctx, c.Tx, billID)
	if isMissing(err) {
		err, fields = nil, append(fields, apperr.Field{Name: "bill", Code: "does_not_exist", Message: "There is no bill with this id."})
	}
	if err != nil {
		return none, err
	}
	if len(fields) > 0 {
		return none, apperr.InvalidFields(fields...)
	}
	if err := checkSum(bill, lineTotal(item)); err != nil {
		return none, err
	}
	rows, err := addItems(ctx, c, bill, item)
	if err != nil {
		return none, err
	}
	return rows[0], nil
}

// ReplaceBillItem sets every writable property of an item; it stays on its bill.
func (h *handlers) ReplaceBillItem(ctx context.Context, r api.ReplaceBillItemRequestObject) (api.ReplaceBillItemResponseObject, error) {
	line := api.BillLine(*r.Body)
	if fields := incomplete(line, ""); len(fields) > 0 {
		return nil, apperr.InvalidFields(fields...)
	}
	row, err := h.changeBillItem(ctx, r.ID, r.Params.IfMatch, func(db.CoreBillitem) api.BillLine { return line })
	if err != nil {
		return nil, err
	}
	return api.ReplaceBillItem200JSONResponse{
		Body: toAPIBillItem(row), Headers: api.ReplaceBillItem200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// UpdateBillItem sets the named properties of an item: another service alone changes
// neither what the item says nor what it costs.
func (h *handlers) UpdateBillItem(ctx context.Context, r api.UpdateBillItemRequestObject) (api.UpdateBillItemResponseObject, error) {
	row, err := h.changeBillItem(ctx, r.ID, r.Params.IfMatch,
		func(before db.CoreBillitem) api.BillLine { return patchedLine(before, api.BillLine(*r.Body)) })
	if err != nil {
		return nil, err
	}
	return api.UpdateBillItem200JSONResponse{
		Body: toAPIBillItem(row), Headers: api.UpdateBillItem200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// changeBillItem locks an item, after its bill, and makes of it the line that edit wants.
func (h *handlers) changeBillItem(ctx context.Context, id int64, ifMatch *string,
	edit func(before db.CoreBillitem) api.BillLine) (db.CoreBillitem, error) {
	var after db.CoreBillitem
	err := h.changes.Do(ctx, func(c *change.Change) error {
		bill, before, err := lockBillItem(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		line := edit(before)
		catalogue, err := servicesOf(ctx, c, line)
		if err != nil {
			return err
		}
		catalogue.keep(before.ServiceItemID)
		item, fields := catalogue.item(line, "")
		if len(fields) > 0 {
			return apperr.InvalidFields(fields...)
		}
		if err := checkSum(bill, lineTotal(item)-lineTotal(before)); err != nil {
			return err
		}
		item.ID, item.BillID = id, bill.ID
		entry := audit.Entry{Object: "billitem", ID: id, PatientID: &bill.PatientID}
		after, err = change.Edit(c, entry, before, item, func() (db.CoreBillitem, error) {
			return db.New().BillItemUpdate(ctx, c.Tx, db.BillItemUpdateParams{
				ID: id, Version: before.Version, ServiceItemID: item.ServiceItemID, Description: item.Description,
				Amount: item.Amount, Quantity: item.Quantity,
			})
		})
		return err
	})
	return after, err
}

// DeleteBillItem removes an item of a bill that is not paid.
func (h *handlers) DeleteBillItem(ctx context.Context, r api.DeleteBillItemRequestObject) (api.DeleteBillItemResponseObject, error) {
	var bill db.CoreBill
	return api.DeleteBillItem204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreBillitem]{
		Object: "billitem", Delete: db.New().BillItemDelete,
		Lock: func(ctx context.Context, conn db.DBTX, id int64) (item db.CoreBillitem, err error) {
			bill, item, err = lockBillItem(ctx, conn, id)
			return item, err
		},
		Version: func(row db.CoreBillitem) int64 { return row.Version },
		Patient: func(db.CoreBillitem) *int64 { return &bill.PatientID },
		Check:   func(_ *change.Change, row db.CoreBillitem) error { return checkSum(bill, -lineTotal(row)) },
	})
}

// patchedLine is the line that a patch makes of an item.
func patchedLine(before db.CoreBillitem, patch api.BillLine) api.BillLine {
	if !patch.ServiceItem.IsSpecified() {
		patch.ServiceItem = toNullable(before.ServiceItemID)
	}
	return api.BillLine{
		ServiceItem: patch.ServiceItem, Description: new(valueOr(patch.Description, before.Description)),
		Amount: new(valueOr(patch.Amount, before.Amount.String())), Quantity: new(valueOr(patch.Quantity, before.Quantity)),
	}
}

func toAPIBillItem(i db.CoreBillitem) api.BillItem {
	return api.BillItem{
		ID: i.ID, Bill: i.BillID, ServiceItem: toNullable(i.ServiceItemID), Description: i.Description,
		Amount: i.Amount.String(), Quantity: i.Quantity, LineTotal: lineTotal(i).String(), Version: i.Version,
	}
}
