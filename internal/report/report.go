// Package report draws the documents that a hospital hands out: invoices and receipts.
// The same document always comes out as the same bytes.
package report

import (
	"fmt"
	"strings"
	"time"

	"chelal/internal/billing"
	"chelal/internal/money"
)

// Hospital is who hands the document out. Without a name it is called Hospital.
type Hospital struct{ Name, Address, Phone string }

// Invoice is a bill as its patient gets it.
type Invoice struct {
	Hospital      Hospital
	Number        string
	Issued        time.Time // in the hospital's zone
	Due           *time.Time
	Patient       string
	PatientNumber string
	Lines         []Line
	Total, Paid   money.Amount
	Status        string // one of package billing
}

// Line is an item of an invoice.
type Line struct {
	Description string
	Quantity    int32
	UnitPrice   money.Amount
}

// PDF draws the invoice.
func (i Invoice) PDF() ([]byte, error) { return draw(i.document()) }

func (i Invoice) document() document {
	d := document{
		Hospital: i.Hospital, Kind: "Invoice", Number: i.Number, Made: i.Issued,
		Party:   party{"Billed to", i.Patient, i.PatientNumber},
		Facts:   []fact{{"Date issued", day(i.Issued)}},
		Columns: []column{{"Description", 95}, {"Quantity", 20}, {"Unit price", 27}, {"Amount", 28}},
		Totals: []total{
			{"Total", amount(i.Total), false}, {"Paid", amount(i.Paid), false}, {"Balance due", amount(i.Total - i.Paid), true},
		},
	}
	if i.Due != nil {
		d.Facts = append(d.Facts, fact{"Due date", day(*i.Due)})
	}
	d.Facts = append(d.Facts, fact{"Status", statusText(i.Status)})
	for _, line := range i.Lines {
		d.Rows = append(d.Rows, []string{
			line.Description, grouped(fmt.Sprint(line.Quantity)), amount(line.UnitPrice), amount(line.UnitPrice.Times(line.Quantity)),
		})
	}
	return d
}

// Receipt is a payment as its patient gets it.
type Receipt struct {
	Hospital      Hospital
	Number        string
	Paid          time.Time // in the hospital's zone
	Patient       string
	PatientNumber string
	Amount        money.Amount
	Method        string
	Reference     string
	ReceivedBy    string
	Invoice       string       // its number
	Balance       money.Amount // of the invoice, after this payment
	Refunds       []Refund
}

// Refund is what was given back of a payment.
type Refund struct {
	Made   time.Time // in the hospital's zone
	Reason string
	Amount money.Amount
}

// PDF draws the receipt.
func (r Receipt) PDF() ([]byte, error) { return draw(r.document()) }

func (r Receipt) document() document {
	d := document{
		Hospital: r.Hospital, Kind: "Receipt", Number: r.Number, Made: r.Paid,
		Party:   party{"Received from", r.Patient, r.PatientNumber},
		Facts:   []fact{{"Date", day(r.Paid)}, {"Invoice", r.Invoice}, {"Method", r.Method}},
		Columns: []column{{"Description", 142}, {"Amount", 28}},
		Rows:    [][]string{{"Payment on invoice " + r.Invoice, amount(r.Amount)}},
	}
	if r.Reference != "" {
		d.Facts = append(d.Facts, fact{"Reference", r.Reference})
	}
	if r.ReceivedBy != "" {
		d.Facts = append(d.Facts, fact{"Received by", r.ReceivedBy})
	}
	kept := r.Amount
	for _, refund := range r.Refunds {
		kept -= refund.Amount
		d.Rows = append(d.Rows, []string{
			fmt.Sprintf("Refund of %s: %s", day(refund.Made), refund.Reason), "−" + amount(refund.Amount),
		})
	}
	label := "Amount received"
	if len(r.Refunds) > 0 {
		label = "Received less refunds"
	}
	d.Totals = []total{{label, amount(kept), true}, {"Balance after this payment", amount(r.Balance), false}}
	return d
}

func day(t time.Time) string { return t.Format("2 January 2006") }

// statusText is a bill's status in words.
func statusText(status string) string {
	return map[string]string{
		billing.Unpaid: "Unpaid", billing.PartiallyPaid: "Partially paid", billing.Paid: "Paid", billing.Overdue: "Overdue",
	}[status]
}

// amount is an amount as people read it, such as 12,345.00.
func amount(a money.Amount) string {
	whole, fraction, _ := strings.Cut(a.String(), ".")
	return grouped(whole) + "." + fraction
}

// grouped sets a comma before every three digits of a whole number.
func grouped(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
