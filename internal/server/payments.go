package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/billing"
	"chelal/internal/change"
	"chelal/internal/listing"
	"chelal/internal/money"
	"chelal/internal/pg"
)

// ListPayments answers payments to staff, and to a Patient the own ones.
func (h *handlers) ListPayments(ctx context.Context, r api.ListPaymentsRequestObject) (api.ListPaymentsResponseObject, error) {
	p := r.Params
	request := pageOf(p.Page, p.PageSize, p.Cursor,
		string(valueOr(p.Ordering, api.ListPaymentsParamsOrderingMinusPaymentDate)), h.paymentConditions(ctx, p))
	page, err := listing.Payments.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListPayments200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, func(row db.PaymentListRow) api.Payment { return toAPIPayment(db.PaymentGetRow(row)) }),
	}, nil
}

func (h *handlers) paymentConditions(ctx context.Context, p api.ListPaymentsParams) []listing.Condition {
	caller := authn.PrincipalFrom(ctx)
	where := listing.OfPatientsFound(valueOr(p.Search, ""))
	if own := authz.OwnRows(caller); own != nil {
		where = append(where, listing.PatientsOf(*own))
	}
	if p.Patient != nil {
		where = append(where, listing.PaymentsOfPatient(*p.Patient))
	}
	if p.Bill != nil {
		where = append(where, listing.PaymentsOfBill(*p.Bill))
	}
	if p.Method != nil {
		where = append(where, listing.PaymentsBy(string(*p.Method)))
	}
	if receiver := userWanted(caller, p.ReceivedBy); receiver != nil {
		where = append(where, listing.PaymentsReceivedBy(*receiver))
	}
	if p.DateFrom != nil {
		where = append(where, listing.PaymentsFrom(h.dayStart(*p.DateFrom)))
	}
	if p.DateTo != nil {
		where = append(where, listing.PaymentsUntil(h.dayEnd(*p.DateTo)))
	}
	return where
}

// GetPayment answers one payment, to a Patient an own one only.
func (h *handlers) GetPayment(ctx context.Context, r api.GetPaymentRequestObject) (api.GetPaymentResponseObject, error) {
	row, err := db.New().PaymentGet(ctx, h.DB, r.ID, authz.OwnRows(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	return api.GetPayment200JSONResponse{
		Body: toAPIPayment(row), Headers: api.GetPayment200ResponseHeaders{ETag: etag(row.CorePayment.Version)},
	}, nil
}

// CreatePayment takes a payment on a bill and gives it the next receipt number.
func (h *handlers) CreatePayment(ctx context.Context, r api.CreatePaymentRequestObject) (api.CreatePaymentResponseObject, error) {
	amount, err := handedOver(r.Body.Amount)
	if err != nil {
		return nil, err
	}
	return once(ctx, h, "createPayment", r.Params.IdempotencyKey, api.CreatePaymentResponseObject.VisitCreatePaymentResponse,
		func(c *change.Change) (api.CreatePaymentResponseObject, error) {
			bill, err := db.New().BillLock(ctx, c.Tx, r.Body.Bill)
			if isMissing(err) {
				return nil, pg.UnknownBill.Because(err)
			}
			if err != nil {
				return nil, err
			}
			if err := checkDue(bill, amount); err != nil {
				return nil, err
			}
			row, err := takePayment(ctx, c, bill, db.PaymentCreateParams{
				BillID: bill.ID, Amount: amount, Method: string(r.Body.Method), Reference: valueOr(r.Body.Reference, ""),
				ReceivedByID: &c.Actor.UserID, Now: c.Now,
			})
			if err != nil {
				return nil, err
			}
			payment := toAPIPayment(row)
			payment.ReceiptNumber = numberToCome
			return api.CreatePayment201JSONResponse{
				Body: payment, Headers: api.CreatePayment201ResponseHeaders{ETag: etag(payment.Version)},
			}, nil
		})
}

// ReplacePayment sets amount, method and reference of a payment.
func (h *handlers) ReplacePayment(ctx context.Context, r api.ReplacePaymentRequestObject) (api.ReplacePaymentResponseObject, error) {
	amount, err := handedOver(r.Body.Amount)
	if err != nil {
		return nil, err
	}
	row, err := h.changePayment(ctx, r.ID, r.Params.IfMatch, func(p *db.CorePayment) {
		p.Amount, p.Method, p.Reference = amount, string(r.Body.Method), valueOr(r.Body.Reference, "")
	})
	if err != nil {
		return nil, err
	}
	return api.ReplacePayment200JSONResponse{
		Body: toAPIPayment(row), Headers: api.ReplacePayment200ResponseHeaders{ETag: etag(row.CorePayment.Version)},
	}, nil
}

// UpdatePayment sets the named properties of a payment.
func (h *handlers) UpdatePayment(ctx context.Context, r api.UpdatePaymentRequestObject) (api.UpdatePaymentResponseObject, error) {
	var amount *money.Amount
	if r.Body.Amount != nil {
		read, err := handedOver(*r.Body.Amount)
		if err != nil {
			return nil, err
		}
		amount = &read
	}
	row, err := h.changePayment(ctx, r.ID, r.Params.IfMatch, func(p *db.CorePayment) {
		p.Amount = valueOr(amount, p.Amount)
		p.Method = string(valueOr(r.Body.Method, api.PaymentMethod(p.Method)))
		p.Reference = valueOr(r.Body.Reference, p.Reference)
	})
	if err != nil {
		return nil, err
	}
	return api.UpdatePayment200JSONResponse{
		Body: toAPIPayment(row), Headers: api.UpdatePayment200ResponseHeaders{ETag: etag(row.CorePayment.Version)},
	}, nil
}

// changePayment locks a payment, lets edit work on it and writes what came of it.
func (h *handlers) changePayment(ctx context.Context, id int64, ifMatch *string, edit func(*db.CorePayment)) (db.PaymentGetRow, error) {
	var row db.PaymentGetRow
	err := h.changes.Do(ctx, func(c *change.Change) error {
		bill, before, err := lockPayment(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		wanted := before
		edit(&wanted)
		if wanted.Amount < before.RefundedAmount {
			return belowRefunded
		}
		if err := checkDue(bill, wanted.Amount-before.Amount); err != nil {
			return err
		}
		entry := audit.Entry{Object: "payment", ID: id, PatientID: &bill.PatientID}
		if _, err := change.Edit(c, entry, before, wanted, func() (db.CorePayment, error) {
			return db.New().PaymentUpdate(ctx, c.Tx, db.PaymentUpdateParams{
				ID: id, Version: before.Version, Amount: wanted.Amount, Method: wanted.Method, Reference: wanted.Reference,
			})
		}); err != nil {
			return err
		}
		row, err = db.New().PaymentGet(ctx, c.Tx, id, nil)
		return err
	})
	return row, err
}

// DeletePayment removes a payment of which nothing was refunded; its receipt is void.
func (h *handlers) DeletePayment(ctx context.Context, r api.DeletePaymentRequestObject) (api.DeletePaymentResponseObject, error) {
	var bill db.CoreBill
	return api.DeletePayment204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CorePayment]{
		Object: "payment", Delete: db.New().PaymentDelete,
		Lock: func(ctx context.Context, conn db.DBTX, id int64) (payment db.CorePayment, err error) {
			bill, payment, err = lockPayment(ctx, conn, id)
			return payment, err
		},
		Version: func(row db.CorePayment) int64 { return row.Version },
		Patient: func(db.CorePayment) *int64 { return &bill.PatientID },
	})
}

func toAPIPayment(row db.PaymentGetRow) api.Payment {
	p := row.CorePayment
	return api.Payment{
		ID: p.ID, PatientName: row.PatientName, Amount: p.Amount.String(), RefundedAmount: p.RefundedAmount.String(),
		Refunds: convert(gathered[db.CoreRefund](row.Refunds), toAPIRefund), PaymentDate: p.PaymentDate,
		Method: api.PaymentMethod(p.Method), Reference: p.Reference, Bill: p.BillID, ReceivedBy: toNullable(p.ReceivedByID),
		ReceiptNumber: billing.Number(billing.Receipt, row.ReceiptNumber), Version: p.Version,
	}
}
