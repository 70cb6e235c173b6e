package server

import (
	"bytes"
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/billing"
	"chelal/internal/report"
)

// GetReceipt answers a payment as a PDF, to a Patient an own one only.
func (h *handlers) GetReceipt(ctx context.Context, r api.GetReceiptRequestObject) (api.GetReceiptResponseObject, error) {
	row, err := db.New().ReceiptGet(ctx, h.DB, r.ID, authz.OwnRows(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	hospital, err := h.hospital(ctx)
	if err != nil {
		return nil, err
	}
	receipt := h.toReceipt(row, hospital)
	pdf, err := receipt.PDF()
	if err != nil {
		return nil, err
	}
	noteExport(ctx, "payment", r.ID, row.PatientID)
	return api.GetReceipt200ApplicationPdfResponse{
		Body: bytes.NewReader(pdf), ContentLength: int64(len(pdf)),
		Headers: api.GetReceipt200ResponseHeaders{ContentDisposition: inline(receipt.Number)},
	}, nil
}

func (h *handlers) toReceipt(row db.ReceiptGetRow, hospital report.Hospital) report.Receipt {
	p := row.CorePayment
	return report.Receipt{
		Hospital: hospital, Number: billing.Number(billing.Receipt, row.Number), Paid: p.PaymentDate.In(h.Zone),
		Patient: row.PatientName, PatientNumber: row.UniqueID, Amount: p.Amount, Method: p.Method, Reference: p.Reference,
		ReceivedBy: row.ReceivedBy, Invoice: billing.Number(billing.Invoice, row.InvoiceNumber), Balance: row.Balance,
		Refunds: convert(gathered[db.CoreRefund](row.Refunds), func(r db.CoreRefund) report.Refund {
			return report.Refund{Made: r.CreatedAt.In(h.Zone), Reason: r.Reason, Amount: r.Amount}
		}),
	}
}
