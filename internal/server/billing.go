package server

import (
	"context"
	"fmt"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/billing"
	"chelal/internal/change"
	"chelal/internal/money"
)

var (
	paidByPatient = apperr.New(apperr.Conflict, "bill_has_payments", "Something was paid on this bill, so its patient stays.").
			OnField("patient", "bill_has_payments")
	billMoved = apperr.New(apperr.Conflict, "changed_meanwhile",
		"Somebody else changed whose bill this is at the same moment. Read it again, and repeat your change.")
)

// billed says whose bill it is, and for which encounter; 0 without one.
type billed struct{ patient, encounter int64 }

func billedBy(b db.CoreBill) billed { return billed{b.PatientID, valueOr(b.EncounterID, 0)} }

// lock locks the patient and the encounter, in the order in which everybody locks them,
// and says what is wrong with them.
func (b billed) lock(ctx context.Context, c *change.Change) ([]apperr.Field, error) {
	patients, err := db.New().PatientsLock(ctx, c.Tx, []int64{b.patient})
	if err != nil {
		return nil, err
	}
	var fields []apperr.Field
	if len(patients) == 0 {
		fields = append(fields, noSuchPatient.Fields...)
	} else if err := checkUnmerged(patients[0], "patient"); err != nil {
		return nil, err
	}
	if b.encounter == 0 {
		return fields, nil
	}
	encounter, err := db.New().EncounterLock(ctx, c.Tx, b.encounter)
	switch {
	case isMissing(err):
		return append(fields, apperr.Field{Name: "encounter", Code: "does_not_exist", Message: "There is no encounter with this id."}), nil
	case err == nil && encounter.PatientID != b.patient:
		fields = append(fields, apperr.Field{Name: "encounter", Code: "other_patient", Message: "This is another patient's encounter."})
	}
	return fields, err
}

// checkNewBill locks whom the bill is for and makes items of its lines. The error names
// every wrong field.
func checkNewBill(ctx context.Context, c *change.Change, wanted db.CoreBill, lines []api.BillLine) ([]db.CoreBillitem, error) {
	fields, err := billedBy(wanted).lock(ctx, c)
	if err != nil {
		return nil, err
	}
	catalogue, err := servicesOf(ctx, c, lines...)
	if err != nil {
		return nil, err
	}
	items := make([]db.CoreBillitem, len(lines))
	var total money.Amount
	for i, line := range lines {
		item, wrong := catalogue.item(line, fmt.Sprintf("items.%d", i))
		items[i], fields = item, append(fields, wrong...)
		total += lineTotal(item)
	}
	if total > billing.MaxTotal {
		fields = append(fields, totalTooLarge("items"))
	}
	if len(fields) > 0 {
		return nil, apperr.InvalidFields(fields...)
	}
	return items, nil
}

func totalTooLarge(field string) apperr.Field {
	return apperr.Field{Name: field, Code: "too_large", Message: "The total of a bill is at most " + billing.MaxTotal.String() + "."}
}

// issueBill writes a bill. Its number comes last.
func issueBill(ctx context.Context, c *change.Change, wanted db.CoreBill, items []db.CoreBillitem) (db.BillListRow, error) {
	q := db.New()
	created, err := q.BillCreate(ctx, c.Tx, db.BillCreateParams{
		PatientID: wanted.PatientID, EncounterID: wanted.EncounterID, DueDate: wanted.DueDate, Notes: wanted.Notes, Now: c.Now,
	})
	if err != nil {
		return db.BillListRow{}, err
	}
	if _, err := addItems(ctx, c, created, items...); err != nil {
		return db.BillListRow{}, err
	}
	c.Number(ctx, db.DocumentNumberTakeParams{Kind: billing.Invoice, BillID: &created.ID})
	found, err := q.BillGet(ctx, c.Tx, created.ID, nil)
	if err != nil {
		return db.BillListRow{}, err
	}
	row := db.BillListRow(found)
	return row, c.Record(audit.Entry{
		Action: audit.Create, Object: "bill", ID: created.ID, PatientID: &row.CoreBill.PatientID, After: row.CoreBill,
	})
}

// changeBill applies a patch to a bill. When it changes whose bill it is, those who are
// concerned are locked before the bill.
func (h *handlers) changeBill(ctx context.Context, id int64, ifMatch *string, patch api.BillPatch) (db.BillListRow, error) {
	var row db.BillListRow
	err := h.changes.Do(ctx, func(c *change.Change) error {
		seen, err := db.New().BillGet(ctx, c.Tx, id, nil)
		if err != nil {
			return err
		}
		if err := checkNewlyBilled(ctx, c, seen.CoreBill, patch); err != nil {
			return err
		}
		before, err := db.New().BillLock(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		if billedBy(before) != billedBy(seen.CoreBill) {
			return billMoved
		}
		row, err = updateBill(ctx, c, before, patch)
		return err
	})
	return row, err
}

// checkNewlyBilled locks and checks whom a patch names anew; it locks nobody when that
// stays as it is.
func checkNewlyBilled(ctx context.Context, c *change.Change, seen db.CoreBill, patch api.BillPatch) error {
	after := seen
	applyBill(&after, patch)
	if billedBy(after) == billedBy(seen) {
		return nil
	}
	fields, err := billedBy(after).lock(ctx, c)
	if err == nil && len(fields) > 0 {
		err = apperr.InvalidFields(fields...)
	}
	return err
}

// updateBill writes what a patch makes of a bill that is locked.
func updateBill(ctx context.Context, c *change.Change, before db.CoreBill, patch api.BillPatch) (db.BillListRow, error) {
	after := before
	applyBill(&after, patch)
	if after.PatientID != before.PatientID {
		row, err := db.New().BillGet(ctx, c.Tx, before.ID, nil)
		if err == nil && len(row.Payments) > 0 {
			err = paidByPatient
		}
		if err != nil {
			return db.BillListRow{}, err
		}
	}
	entry := audit.Entry{Object: "bill", ID: before.ID, PatientID: &after.PatientID}
	if _, err := change.Edit(c, entry, before, after, func() (db.CoreBill, error) {
		return db.New().BillUpdate(ctx, c.Tx, db.BillUpdateParams{
			ID: before.ID, Version: before.Version, PatientID: after.PatientID, EncounterID: after.EncounterID,
			DueDate: after.DueDate, Notes: after.Notes,
		})
	}); err != nil {
		return db.BillListRow{}, err
	}
	row, err := db.New().BillGet(ctx, c.Tx, before.ID, nil)
	return db.BillListRow(row), err
}
