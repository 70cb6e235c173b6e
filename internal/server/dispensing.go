package server

import (
	"context"
	"fmt"
	"strings"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/change"
)

// DispensePrescription takes what is prescribed from the stock, once.
func (h *handlers) DispensePrescription(ctx context.Context, r api.DispensePrescriptionRequestObject) (api.DispensePrescriptionResponseObject, error) {
	return once(ctx, h, "dispensePrescription", r.Params.IdempotencyKey, api.DispensePrescriptionResponseObject.VisitDispensePrescriptionResponse,
		func(c *change.Change) (api.DispensePrescriptionResponseObject, error) {
			row, err := dispense(ctx, c, r.ID, valueOr(r.Body, api.Dispensing{}))
			if err != nil {
				return nil, err
			}
			return api.DispensePrescription200JSONResponse{
				Body:    toAPIPrescription(db.PrescriptionListRow(row)),
				Headers: api.DispensePrescription200ResponseHeaders{ETag: etag(row.CorePrescription.Version)},
			}, nil
		})
}

// dispense locks the prescription and then its medication. The lock of the first makes
// it happen once, that of the second keeps the stock from being taken twice.
func dispense(ctx context.Context, c *change.Change, id int64, body api.Dispensing) (db.PrescriptionGetRow, error) {
	var row db.PrescriptionGetRow
	before, err := db.New().PrescriptionLock(ctx, c.Tx, id)
	if err != nil {
		return row, err
	}
	if err := undispensed(before); err != nil {
		return row, err
	}
	if row, err = db.New().PrescriptionGet(ctx, c.Tx, id, nil); err != nil {
		return row, err
	}
	r, err := completeByDispenser(before, body)
	if err != nil {
		return row, err
	}
	medication, err := db.New().MedicationLock(ctx, c.Tx, *r.MedicationID)
	if isMissing(err) {
		return row, apperr.InvalidFields(noSuch("medication"))
	}
	if err != nil {
		return row, err
	}
	if r, err = checkAllergies(ctx, c, r, row.PatientID, medication, valueOr(body.OverrideReason, "")); err != nil {
		return row, err
	}
	if _, err := moveStock(ctx, c, medication, db.StockMoveParams{
		Quantity: -*r.Quantity, Kind: string(api.StockMovementKindDispense), Reason: fmt.Sprint("Prescription ", id), PrescriptionID: &id,
	}); err != nil {
		return row, err
	}
	row.CorePrescription, err = db.New().PrescriptionDispense(ctx, c.Tx, db.PrescriptionDispenseParams{
		ID: id, MedicationID: r.MedicationID, Quantity: r.Quantity, OverrideReason: r.OverrideReason,
		AllergyCheck: r.AllergyCheck, AllergyTable: r.AllergyTable, AllergyNote: r.AllergyNote,
		Now: &c.Now, DispensedByID: &c.Actor.UserID,
	})
	if err != nil {
		return row, err
	}
	return row, recordPrescription(c, audit.Edit, row.PatientID, before, row.CorePrescription)
}

// completeByDispenser fills in what a prescription leaves open, and names what the body
// says otherwise or leaves open, too. A second reason stands below the doctor's.
func completeByDispenser(r db.CorePrescription, body api.Dispensing) (db.CorePrescription, error) {
	var wrong []apperr.Field
	r.MedicationID, wrong = settle(wrong, "medication", r.MedicationID, body.Medication)
	r.Quantity, wrong = settle(wrong, "quantity", r.Quantity, body.Quantity)
	if len(wrong) > 0 {
		return r, apperr.InvalidFields(wrong...)
	}
	r.OverrideReason = strings.TrimSpace(r.OverrideReason + "\n" + valueOr(body.OverrideReason, ""))
	return r, nil
}

// settle returns what is prescribed or, where that is open, what is given.
func settle[T comparable](wrong []apperr.Field, name string, prescribed, given *T) (*T, []apperr.Field) {
	switch {
	case prescribed == nil && given == nil:
		return nil, append(wrong, apperr.Field{Name: name, Code: "required",
			Message: "The prescription leaves this open; say it here."})
	case prescribed == nil:
		return given, wrong
	case given != nil && *given != *prescribed:
		return nil, append(wrong, apperr.Field{Name: name, Code: "differs_from_prescription",
			Message: "The prescription says otherwise. Leave this out, or have the prescription changed first."})
	}
	return prescribed, wrong
}
