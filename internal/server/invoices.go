package server

import (
	"bytes"
	"context"
	"fmt"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/billing"
	"chelal/internal/report"
	"chelal/internal/setting"
)

// GetInvoice answers a bill as a PDF, to a Patient an own one only.
func (h *handlers) GetInvoice(ctx context.Context, r api.GetInvoiceRequestObject) (api.GetInvoiceResponseObject, error) {
	row, err := db.New().InvoiceGet(ctx, h.DB, r.ID, authz.OwnRows(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	hospital, err := h.hospital(ctx)
	if err != nil {
		return nil, err
	}
	invoice := h.toInvoice(row, hospital)
	pdf, err := invoice.PDF()
	if err != nil {
		return nil, err
	}
	noteExport(ctx, "bill", r.ID, row.CoreBill.PatientID)
	return api.GetInvoice200ApplicationPdfResponse{
		Body: bytes.NewReader(pdf), ContentLength: int64(len(pdf)),
		Headers: api.GetInvoice200ResponseHeaders{ContentDisposition: inline(invoice.Number)},
	}, nil
}

// hospital is what the system settings say of who hands a document out.
func (h *handlers) hospital(ctx context.Context) (report.Hospital, error) {
	rows, err := db.New().SettingsGet(ctx, h.DB, []string{setting.HospitalName, setting.HospitalAddress, setting.HospitalPhone})
	settings := map[string]string{}
	for _, row := range rows {
		settings[row.Key] = row.Value
	}
	return report.Hospital{
		Name: settings[setting.HospitalName], Address: settings[setting.HospitalAddress], Phone: settings[setting.HospitalPhone],
	}, err
}

// inline tells a browser to show a document, and under which name to save it.
func inline(number string) string { return fmt.Sprintf(`inline; filename="%s.pdf"`, number) }

func (h *handlers) toInvoice(row db.InvoiceGetRow, hospital report.Hospital) report.Invoice {
	b := row.CoreBill
	return report.Invoice{
		Hospital: hospital, Number: billing.Number(billing.Invoice, row.Number), Issued: b.DateIssued.In(h.Zone), Due: b.DueDate,
		Patient: row.PatientName, PatientNumber: row.UniqueID, Total: b.TotalAmount, Paid: b.AmountPaid,
		Status: billing.Status(b.TotalAmount, b.AmountPaid, b.DueDate, h.today()),
		Lines: convert(gathered[db.CoreBillitem](row.Items), func(i db.CoreBillitem) report.Line {
			return report.Line{Description: i.Description, Quantity: i.Quantity, UnitPrice: i.Amount}
		}),
	}
}
