package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/billing"
	"chelal/internal/change"
	"chelal/internal/money"
	"chelal/internal/pg"
)

// lockPayment locks a payment, after its bill: whoever pays, refunds or takes back comes
// by the bill first, and none waits for another who waits for it.
func lockPayment(ctx context.Context, conn db.DBTX, id int64) (db.CoreBill, db.CorePayment, error) {
	bill, err := db.New().PaymentBillLock(ctx, conn, id)
	if err != nil {
		return bill, db.CorePayment{}, err
	}
	payment, err := db.New().PaymentLock(ctx, conn, id)
	return bill, payment, err
}

// checkDue refuses to take more than what is due on a bill, which the caller has locked.
func checkDue(bill db.CoreBill, more money.Amount) error {
	if due := bill.TotalAmount - bill.AmountPaid; more > due {
		return pg.Overpayment.With("balance_due", due)
	}
	return nil
}

// takePayment writes a payment on a bill that the caller has locked. The number of its receipt comes last.
func takePayment(ctx context.Context, c *change.Change, bill db.CoreBill, p db.PaymentCreateParams) (db.PaymentGetRow, error) {
	created, err := db.New().PaymentCreate(ctx, c.Tx, p)
	if err != nil {
		return db.PaymentGetRow{}, err
	}
	payment := created.CorePayment
	c.Number(ctx, db.DocumentNumberTakeParams{Kind: billing.Receipt, PaymentID: &payment.ID})
	return db.PaymentGetRow(created), c.Record(audit.Entry{
		Action: audit.Create, Object: "payment", ID: payment.ID, PatientID: &bill.PatientID, After: payment,
	})
}

// handedOver reads an amount of money that changes hands, which is above zero.
func handedOver(input api.MoneyInput) (money.Amount, error) {
	amount, err := money.Parse(input)
	if err == nil && amount <= 0 {
		err = pg.AmountTooSmall
	}
	return amount, err
}

var belowRefunded = apperr.New(apperr.Conflict, "below_refunded",
	"The amount cannot be less than what was refunded of this payment.").OnField("amount", "below_refunded")
