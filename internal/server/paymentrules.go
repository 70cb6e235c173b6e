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

// takePayment writes a payment on a bill that the caller has locked.
func takePayment(ctx context.Context, c *change.Change, bill db.CoreBill, p db.PaymentCreateParams) (db.PaymentGetRow, error) {
	payment, err := db.New().PaymentCreate(ctx, c.Tx, p)
	if err != nil {
		return db.PaymentGetRow{}, err
	}
	if err := c.Record(audit.Entry{Action: audit.Create, Object: "payment", ID: payment.ID, PatientID: &bill.PatientID, After: payment}); err != nil {
		return db.PaymentGetRow{}, err
	}
	var row db.PaymentGetRow
	get := func(conn db.DBTX) (err error) {
		row, err = db.New().PaymentGet(ctx, conn, payment.ID, nil)
		return err
	}
	number, err := takeNumber(ctx, c, db.DocumentNumberTakeParams{Kind: billing.Receipt, PaymentID: &payment.ID, Now: c.Now},
		get, c.Recorded(ctx))
	row.ReceiptNumber = number
	return row, err
}

// takeNumber gives a document its number, at once after what else is asked: until the transaction
// ends, everybody else who wants a number of the kind waits.
func takeNumber(ctx context.Context, c *change.Change, p db.DocumentNumberTakeParams, before ...pg.Question) (number int64, err error) {
	err = pg.AtOnce(ctx, c.Tx, append(before, func(conn db.DBTX) error {
		return db.New().DocumentNumberLock(ctx, conn, p.Kind)
	}, func(conn db.DBTX) (err error) {
		number, err = db.New().DocumentNumberTake(ctx, conn, p)
		return err
	})...)
	return number, err
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
