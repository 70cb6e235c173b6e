package listing

import (
	"context"
	"time"

	"chelal/gen/db"
	"chelal/internal/billing"
)

// Bills are listed by id, the time of issue and the total. The conditions on patients
// narrow them, too: the query calls the patient p.
var Bills = List[db.BillListRow]{
	Query: db.BillList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.BillListRow, error) {
		return db.New().BillList(ctx, conn)
	},
	Orders: map[string]Order[db.BillListRow]{
		"id": {[]Column{{"b.id", "bigint"}}, func(r db.BillListRow) []string { return []string{id(r.CoreBill.ID)} }},
		"date_issued": {[]Column{{"b.date_issued", "timestamptz"}, {"b.id", "bigint"}},
			func(r db.BillListRow) []string { return []string{instant(r.CoreBill.DateIssued), id(r.CoreBill.ID)} }},
		"total_amount": {[]Column{{"b.total_amount", "numeric"}, {"b.id", "bigint"}},
			func(r db.BillListRow) []string { return []string{r.CoreBill.TotalAmount.String(), id(r.CoreBill.ID)} }},
	},
}

// BillsOfPatient narrows bills to those of a patient.
func BillsOfPatient(id int64) Condition { return Condition{"b.patient_id = ?", []any{id}} }

// BillsOfEncounter narrows bills to those of an encounter.
func BillsOfEncounter(id int64) Condition { return Condition{"b.encounter_id = ?", []any{id}} }

// BillsPaid narrows bills to paid or to open ones.
func BillsPaid(paid bool) Condition {
	if paid {
		return Condition{"b.is_paid", nil}
	}
	return Condition{"NOT b.is_paid", nil}
}

// BillsFrom narrows bills to those issued at t or later.
func BillsFrom(t time.Time) Condition { return Condition{"b.date_issued >= ?", []any{t}} }

// BillsUntil narrows bills to those issued before t.
func BillsUntil(t time.Time) Condition { return Condition{"b.date_issued < ?", []any{t}} }

// BillsInState narrows bills to those that billing.Status says are in this state on the
// day.
func BillsInState(status string, today time.Time) Condition {
	const notOverdue = " AND (b.total_amount > 0 AND b.due_date < ?) IS NOT TRUE"
	switch status {
	case billing.Paid:
		return BillsPaid(true)
	case billing.Overdue:
		return Condition{"NOT b.is_paid AND b.total_amount > 0 AND b.due_date < ?", []any{today}}
	case billing.PartiallyPaid:
		return Condition{"NOT b.is_paid AND b.amount_paid > 0" + notOverdue, []any{today}}
	}
	return Condition{"NOT b.is_paid AND b.amount_paid = 0" + notOverdue, []any{today}}
}

// BillItems are listed by id, which is the order in which they came on their bills.
var BillItems = List[db.CoreBillitem]{
	Query: db.BillItemList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.CoreBillitem, error) {
		return db.New().BillItemList(ctx, conn)
	},
	Orders: map[string]Order[db.CoreBillitem]{
		"id": {[]Column{{"i.id", "bigint"}}, func(i db.CoreBillitem) []string { return []string{id(i.ID)} }},
	},
}

// BillItemsOfBill narrows items to those of a bill.
func BillItemsOfBill(id int64) Condition { return Condition{"i.bill_id = ?", []any{id}} }

// BillItemsOfService narrows items to those of a service.
func BillItemsOfService(id int64) Condition { return Condition{"i.service_item_id = ?", []any{id}} }
