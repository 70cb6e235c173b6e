package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/pg"
)

// RefundPayment gives back a part of a payment, or all of it, which is due again.
func (h *handlers) RefundPayment(ctx context.Context, r api.RefundPaymentRequestObject) (api.RefundPaymentResponseObject, error) {
	amount, err := handedOver(r.Body.Amount)
	if err != nil {
		return nil, err
	}
	return once(ctx, h, "refundPayment", r.Params.IdempotencyKey, api.RefundPaymentResponseObject.VisitRefundPaymentResponse,
		func(c *change.Change) (api.RefundPaymentResponseObject, error) {
			bill, payment, err := lockPayment(ctx, c.Tx, r.ID)
			if err != nil {
				return nil, err
			}
			if left := payment.Amount - payment.RefundedAmount; amount > left {
				return nil, pg.OverRefund.With("refundable", left)
			}
			refund, err := db.New().RefundCreate(ctx, c.Tx, db.RefundCreateParams{
				PaymentID: payment.ID, Amount: amount, Reason: r.Body.Reason, RefundedByID: &c.Actor.UserID, Now: c.Now,
			})
			if err != nil {
				return nil, err
			}
			return api.RefundPayment201JSONResponse(toAPIRefund(refund)), c.Record(audit.Entry{
				Action: audit.Create, Object: "refund", ID: refund.ID, PatientID: &bill.PatientID, After: refund,
			})
		})
}

func toAPIRefund(r db.CoreRefund) api.Refund {
	return api.Refund{
		ID: r.ID, Payment: r.PaymentID, Amount: r.Amount.String(), Reason: r.Reason,
		RefundedBy: toNullable(r.RefundedByID), CreatedAt: r.CreatedAt,
	}
}
