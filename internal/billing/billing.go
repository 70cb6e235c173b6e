// Package billing holds the rules of bills: what state one is in and what its documents
// are called.
package billing

import (
	"fmt"
	"time"

	"chelal/internal/money"
)

// The states of a bill.
const (
	Unpaid        = "unpaid"
	PartiallyPaid = "partially_paid"
	Paid          = "paid"
	Overdue       = "overdue"
)

// Status is the state of a bill on a day. A bill is overdue from the day after its due
// date until it is paid, whatever was paid of it; one without any charge is unpaid.
func Status(total, paid money.Amount, due *time.Time, today time.Time) string {
	switch {
	case total > 0 && paid == total:
		return Paid
	case total > 0 && due != nil && due.Before(today):
		return Overdue
	case paid > 0:
		return PartiallyPaid
	}
	return Unpaid
}

// The most that an item and a bill may come to.
const (
	MaxLine  money.Amount = 99_999_999_99
	MaxTotal money.Amount = 9_999_999_999_99
)

// The kinds of numbered documents, as core_documentnumber has them.
const (
	Invoice = "invoice"
	Receipt = "receipt"
)

// Number is how a document's number is written, such as INV-0000042.
func Number(kind string, n int64) string {
	prefix := map[string]string{Invoice: "INV", Receipt: "RCT"}[kind]
	return fmt.Sprintf("%s-%07d", prefix, n)
}
