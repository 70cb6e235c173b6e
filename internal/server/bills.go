package server

import (
	"context"

	"github.com/oapi-codegen/nullable"
	openapi_types "github.com/oapi-codegen/runtime/types"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/billing"
	"chelal/internal/change"
	"chelal/internal/listing"
)

// ListBills answers bills to staff, and to a Patient the own ones.
func (h *handlers) ListBills(ctx context.Context, r api.ListBillsRequestObject) (api.ListBillsResponseObject, error) {
	p := r.Params
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListBillsParamsOrderingMinusDateIssued)),
		h.billConditions(ctx, p))
	page, err := listing.Bills.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListBills200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: convert(page.Rows, h.toAPIBill),
	}, nil
}

func (h *handlers) billConditions(ctx context.Context, p api.ListBillsParams) []listing.Condition {
	where := listing.OfPatientsFound(valueOr(p.Search, ""))
	if own := authz.OwnRows(authn.PrincipalFrom(ctx)); own != nil {
		where = append(where, listing.PatientsOf(*own))
	}
	if p.Patient != nil {
		where = append(where, listing.BillsOfPatient(*p.Patient))
	}
	if p.Encounter != nil {
		where = append(where, listing.BillsOfEncounter(*p.Encounter))
	}
	if p.IsPaid != nil {
		where = append(where, listing.BillsPaid(*p.IsPaid))
	}
	if p.Status != nil {
		where = append(where, listing.BillsInState(string(*p.Status), h.today()))
	}
	if p.DateFrom != nil {
		where = append(where, listing.BillsFrom(h.dayStart(*p.DateFrom)))
	}
	if p.DateTo != nil {
		where = append(where, listing.BillsUntil(h.dayEnd(*p.DateTo)))
	}
	return where
}

// GetBill answers one bill, to a Patient an own one only.
func (h *handlers) GetBill(ctx context.Context, r api.GetBillRequestObject) (api.GetBillResponseObject, error) {
	row, err := db.New().BillGet(ctx, h.DB, r.ID, authz.OwnRows(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	return api.GetBill200JSONResponse{
		Body: h.toAPIBill(db.BillListRow(row)), Headers: api.GetBill200ResponseHeaders{ETag: etag(row.CoreBill.Version)},
	}, nil
}

// CreateBill issues a bill with its items and gives it the next invoice number.
func (h *handlers) CreateBill(ctx context.Context, r api.CreateBillRequestObject) (api.CreateBillResponseObject, error) {
	wanted := db.CoreBill{}
	applyBill(&wanted, billReplacement(api.BillReplace{
		Patient: r.Body.Patient, Encounter: r.Body.Encounter, DueDate: r.Body.DueDate, Notes: r.Body.Notes,
	}))
	return once(ctx, h, "createBill", r.Params.IdempotencyKey, api.CreateBillResponseObject.VisitCreateBillResponse,
		func(c *change.Change) (api.CreateBillResponseObject, error) {
			items, err := checkNewBill(ctx, c, wanted, r.Body.Items)
			if err != nil {
				return nil, err
			}
			row, err := issueBill(ctx, c, wanted, items)
			if err != nil {
				return nil, err
			}
			bill := h.toAPIBill(row)
			bill.InvoiceNumber = numberToCome
			return api.CreateBill201JSONResponse{
				Body: bill, Headers: api.CreateBill201ResponseHeaders{ETag: etag(bill.Version)},
			}, nil
		})
}

// ReplaceBill sets whom a bill is for, when it is due and its notes; the items stay.
func (h *handlers) ReplaceBill(ctx context.Context, r api.ReplaceBillRequestObject) (api.ReplaceBillResponseObject, error) {
	row, err := h.changeBill(ctx, r.ID, r.Params.IfMatch, billReplacement(*r.Body))
	if err != nil {
		return nil, err
	}
	return api.ReplaceBill200JSONResponse{
		Body: h.toAPIBill(row), Headers: api.ReplaceBill200ResponseHeaders{ETag: etag(row.CoreBill.Version)},
	}, nil
}

// UpdateBill sets the named properties of a bill.
func (h *handlers) UpdateBill(ctx context.Context, r api.UpdateBillRequestObject) (api.UpdateBillResponseObject, error) {
	row, err := h.changeBill(ctx, r.ID, r.Params.IfMatch, *r.Body)
	if err != nil {
		return nil, err
	}
	return api.UpdateBill200JSONResponse{
		Body: h.toAPIBill(row), Headers: api.UpdateBill200ResponseHeaders{ETag: etag(row.CoreBill.Version)},
	}, nil
}

// DeleteBill removes a bill on which nothing was paid, with its items. Its invoice number
// is void from then on.
func (h *handlers) DeleteBill(ctx context.Context, r api.DeleteBillRequestObject) (api.DeleteBillResponseObject, error) {
	return api.DeleteBill204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreBill]{
		Object: "bill", Lock: db.New().BillLock, Delete: db.New().BillDelete,
		Version: func(row db.CoreBill) int64 { return row.Version },
		Patient: func(row db.CoreBill) *int64 { return &row.PatientID },
		Check: func(c *change.Change, row db.CoreBill) error {
			items, err := db.New().BillItemsOf(ctx, c.Tx, row.ID)
			if err != nil {
				return err
			}
			for _, item := range items {
				err := c.Record(audit.Entry{Action: audit.Delete, Object: "billitem", ID: item.ID, PatientID: &row.PatientID, Before: item})
				if err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// toAPIBill says what state the bill is in today.
func (h *handlers) toAPIBill(row db.BillListRow) api.Bill {
	b := row.CoreBill
	due := nullable.NewNullNullable[openapi_types.Date]()
	if b.DueDate != nil {
		due.Set(openapi_types.Date{Time: *b.DueDate})
	}
	return api.Bill{
		ID: b.ID, PatientName: row.PatientName, Items: convert(gathered[db.CoreBillitem](row.Items), toAPIBillItem), Payments: row.Payments,
		DateIssued: b.DateIssued, TotalAmount: b.TotalAmount.String(), AmountPaid: b.AmountPaid.String(),
		BalanceDue: (b.TotalAmount - b.AmountPaid).String(), IsPaid: b.IsPaid,
		Status:  api.BillStatus(billing.Status(b.TotalAmount, b.AmountPaid, b.DueDate, h.today())),
		DueDate: due, Notes: b.Notes, Patient: b.PatientID, Encounter: toNullable(b.EncounterID),
		InvoiceNumber: billing.Number(billing.Invoice, row.InvoiceNumber), Version: b.Version,
	}
}

// billReplacement is a patch that names every property.
func billReplacement(w api.BillReplace) api.BillPatch {
	patch := api.BillPatch{Patient: &w.Patient, Encounter: w.Encounter, DueDate: w.DueDate, Notes: new(valueOr(w.Notes, ""))}
	if !patch.Encounter.IsSpecified() {
		patch.Encounter.SetNull()
	}
	if !patch.DueDate.IsSpecified() {
		patch.DueDate.SetNull()
	}
	return patch
}

func applyBill(b *db.CoreBill, patch api.BillPatch) {
	b.PatientID = valueOr(patch.Patient, b.PatientID)
	if patch.Encounter.IsSpecified() {
		b.EncounterID = fromNullable(patch.Encounter)
	}
	if patch.DueDate.IsSpecified() {
		b.DueDate = nil
		if due := fromNullable(patch.DueDate); due != nil {
			b.DueDate = &due.Time
		}
	}
	b.Notes = valueOr(patch.Notes, b.Notes)
}
