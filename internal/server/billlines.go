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
)

// services are those of the catalogue that lines name, by their ids.
type services map[int64]db.CoreServiceitem

func servicesOf(ctx context.Context, c *change.Change, lines ...api.BillLine) (services, error) {
	var ids []int64
	for _, line := range lines {
		if id := fromNullable(line.ServiceItem); id != nil {
			ids = append(ids, *id)
		}
	}
	found := services{}
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := db.New().ServiceItemsNamed(ctx, c.Tx, ids)
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// keep lets an item keep its service, though the hospital may have ceased to offer it.
func (s services) keep(id *int64) {
	if service, named := s[valueOr(id, 0)]; named {
		service.IsActive = true
		s[service.ID] = service
	}
}

// item makes an item of a line: what the line leaves out its service gives. The fields
// say what is wrong with the line, which stands at path in the body.
func (s services) item(line api.BillLine, path string) (db.CoreBillitem, []apperr.Field) {
	id := fromNullable(line.ServiceItem)
	service, exists := s[valueOr(id, 0)]
	var fields []apperr.Field
	switch {
	case id == nil:
		fields = incomplete(line, path)
	case !exists:
		fields = []apperr.Field{{Name: join(path, "service_item"), Code: "does_not_exist", Message: "There is no service with this id."}}
	case !service.IsActive:
		fields = []apperr.Field{{Name: join(path, "service_item"), Code: "retired", Message: "The hospital does not offer this service any more."}}
	}
	item := db.CoreBillitem{
		ServiceItemID: id, Description: valueOr(line.Description, service.Name), Amount: amountOr(line.Amount, service.Price),
		Quantity: valueOr(line.Quantity, 1),
	}
	if lineTotal(item) > billing.MaxLine {
		fields = append(fields, apperr.Field{Name: join(path, "amount"), Code: "too_large",
			Message: "Amount times quantity is at most " + billing.MaxLine.String() + "."})
	}
	return item, fields
}

// incomplete names what a line leaves out though it has no service to give it.
func incomplete(line api.BillLine, path string) []apperr.Field {
	if fromNullable(line.ServiceItem) != nil {
		return nil
	}
	var fields []apperr.Field
	if line.Description == nil {
		fields = append(fields, apperr.Field{Name: join(path, "description"), Code: "required", Message: "Say what it is, or name a service."})
	}
	if line.Amount == nil {
		fields = append(fields, apperr.Field{Name: join(path, "amount"), Code: "required", Message: "Say what one costs, or name a service."})
	}
	return fields
}

// lockBillItem locks an item's bill, and then the item.
func lockBillItem(ctx context.Context, conn db.DBTX, id int64) (db.CoreBill, db.CoreBillitem, error) {
	seen, err := db.New().BillItemGet(ctx, conn, id, nil)
	if err != nil {
		return db.CoreBill{}, seen, err
	}
	bill, err := db.New().BillLock(ctx, conn, seen.BillID)
	if err != nil {
		return bill, seen, err
	}
	item, err := db.New().BillItemLock(ctx, conn, id)
	return bill, item, err
}

var (
	billPaid  = apperr.New(apperr.Conflict, "bill_paid", "This bill is paid, so its items stay as they are. Issue another bill.")
	belowPaid = apperr.New(apperr.Conflict, "below_paid",
		"The total would fall below what has been paid. Refund what is too much first.")
)

// checkSum returns nil when the items of a bill, which is locked, may come to so much
// more, or less, than they do.
func checkSum(bill db.CoreBill, difference money.Amount) error {
	switch total := bill.TotalAmount + difference; {
	case total > billing.MaxTotal:
		return apperr.InvalidFields(totalTooLarge("amount"))
	case bill.IsPaid:
		return billPaid
	case total < bill.AmountPaid:
		return belowPaid.With("amount_paid", bill.AmountPaid)
	}
	return nil
}

// addItems writes items of a bill and records them.
func addItems(ctx context.Context, c *change.Change, bill db.CoreBill, items ...db.CoreBillitem) ([]db.CoreBillitem, error) {
	p := db.BillItemsCreateParams{BillID: bill.ID}
	for _, i := range items {
		p.ServiceItemIds = append(p.ServiceItemIds, valueOr(i.ServiceItemID, 0))
		p.Descriptions = append(p.Descriptions, i.Description)
		p.Amounts = append(p.Amounts, i.Amount.String())
		p.Quantities = append(p.Quantities, i.Quantity)
	}
	rows, err := db.New().BillItemsCreate(ctx, c.Tx, p)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		err := c.Record(audit.Entry{Action: audit.Create, Object: "billitem", ID: row.ID, PatientID: &bill.PatientID, After: row})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func lineTotal(i db.CoreBillitem) money.Amount { return i.Amount.Times(i.Quantity) }

// amountOr reads an amount of the contract, or returns other when the caller left it out.
func amountOr(text *api.MoneyInput, other money.Amount) money.Amount {
	if text == nil {
		return other
	}
	amount, _ := money.Parse(*text) // the contract's pattern lets nothing else through
	return amount
}
