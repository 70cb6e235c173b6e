package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
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

// incomplete names what a line without a service leaves out.
func incomplete(line api.BillLine, path string) []apperr.Field {
	var fields []apperr.Field
	if line.Description == nil {
		fields = append(fields, apperr.Field{Name: join(path, "description"), Code: "required", Message: "Say what it is, or name a service."})
	}
	if line.Amount == nil {
		fields = append(fields, apperr.Field{Name: join(path, "amount"), Code: "required", Message: "Say what one costs, or name a service."})
	}
	return fields
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
