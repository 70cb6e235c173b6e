package listing

import (
	"context"
	"time"

	"chelal/gen/db"
)

// Payments are listed by id, amount and when they were made.
var Payments = List[db.PaymentListRow]{
	Query: db.PaymentList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.PaymentListRow, error) {
		return db.New().PaymentList(ctx, conn)
	},
	Orders: map[string]Order[db.PaymentListRow]{
		"id": {[]Column{{"y.id", "bigint"}}, func(r db.PaymentListRow) []string { return []string{id(r.CorePayment.ID)} }},
		"amount": {[]Column{{"y.amount", "numeric"}, {"y.id", "bigint"}},
			func(r db.PaymentListRow) []string {
				return []string{r.CorePayment.Amount.String(), id(r.CorePayment.ID)}
			}},
		"payment_date": {[]Column{{"y.payment_date", "timestamptz"}, {"y.id", "bigint"}},
			func(r db.PaymentListRow) []string {
				return []string{instant(r.CorePayment.PaymentDate), id(r.CorePayment.ID)}
			}},
	},
}

// PaymentsOfPatient narrows payments to those of a patient.
func PaymentsOfPatient(patientID int64) Condition {
	return Condition{"b.patient_id = ?", []any{patientID}}
}

// PaymentsOfBill narrows payments to those of a bill.
func PaymentsOfBill(billID int64) Condition { return Condition{"y.bill_id = ?", []any{billID}} }

// PaymentsBy narrows payments to a method.
func PaymentsBy(method string) Condition { return Condition{"y.method = ?", []any{method}} }

// PaymentsReceivedBy narrows payments to those that a user took.
func PaymentsReceivedBy(userID int64) Condition {
	return Condition{"y.received_by_id = ?", []any{userID}}
}

// PaymentsFrom narrows payments to those of the moment or later.
func PaymentsFrom(t time.Time) Condition { return Condition{"y.payment_date >= ?", []any{t}} }

// PaymentsUntil narrows payments to those before the moment.
func PaymentsUntil(t time.Time) Condition { return Condition{"y.payment_date < ?", []any{t}} }
