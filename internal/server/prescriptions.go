package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/listing"
)

// ListPrescriptions answers prescriptions to staff, and to a Patient the own ones.
func (h *handlers) ListPrescriptions(ctx context.Context, r api.ListPrescriptionsRequestObject) (api.ListPrescriptionsResponseObject, error) {
	p := r.Params
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListPrescriptionsParamsOrderingMinusCreatedAt)),
		h.prescriptionConditions(ctx, p))
	page, err := listing.Prescriptions.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListPrescriptions200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPIPrescription),
	}, nil
}

func (h *handlers) prescriptionConditions(ctx context.Context, p api.ListPrescriptionsParams) []listing.Condition {
	where := listing.PrescriptionsFound(valueOr(p.Search, ""))
	if own := authz.OwnRows(authn.PrincipalFrom(ctx)); own != nil {
		where = append(where, listing.PrescriptionsOf(*own))
	}
	if p.Patient != nil {
		where = append(where, listing.PrescriptionsOfPatient(*p.Patient))
	}
	if doctor := userWanted(authn.PrincipalFrom(ctx), p.Doctor); doctor != nil {
		where = append(where, listing.PrescriptionsOfDoctor(*doctor))
	}
	if p.Encounter != nil {
		where = append(where, listing.PrescriptionsOfEncounter(*p.Encounter))
	}
	if p.Medication != nil {
		where = append(where, listing.PrescriptionsOfMedication(*p.Medication))
	}
	if p.Dispensed != nil {
		where = append(where, listing.PrescriptionsDispensed(*p.Dispensed))
	}
	if p.DateFrom != nil {
		where = append(where, listing.PrescriptionsFrom(h.dayStart(*p.DateFrom)))
	}
	if p.DateTo != nil {
		where = append(where, listing.PrescriptionsUntil(h.dayEnd(*p.DateTo)))
	}
	return where
}

// GetPrescription answers one prescription, to a Patient an own one only.
func (h *handlers) GetPrescription(ctx context.Context, r api.GetPrescriptionRequestObject) (api.GetPrescriptionResponseObject, error) {
	row, err := db.New().PrescriptionGet(ctx, h.DB, r.ID, authz.OwnRows(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	return api.GetPrescription200JSONResponse{
		Body:    toAPIPrescription(db.PrescriptionListRow(row)),
		Headers: api.GetPrescription200ResponseHeaders{ETag: etag(row.CorePrescription.Version)},
	}, nil
}

// CreatePrescription writes a prescription for an encounter, unless the patient's known
// allergies speak against it.
func (h *handlers) CreatePrescription(ctx context.Context, r api.CreatePrescriptionRequestObject) (api.CreatePrescriptionResponseObject, error) {
	if r.Body.MedicationName == nil && fromNullable(r.Body.Medication) == nil {
		return nil, nameRequired
	}
	draft := replacePrescription(db.CorePrescription{}, *r.Body)
	return once(ctx, h, "createPrescription", r.Params.IdempotencyKey, api.CreatePrescriptionResponseObject.VisitCreatePrescriptionResponse,
		func(c *change.Change) (api.CreatePrescriptionResponseObject, error) {
			encounter, err := lockEncounterToPrescribe(ctx, c, draft.EncounterID)
			if err != nil {
				return nil, err
			}
			d, err := examine(ctx, c, draft, encounter, draft.OverrideReason)
			if err != nil {
				return nil, err
			}
			made, err := db.New().PrescriptionCreate(ctx, c.Tx, db.PrescriptionCreateParams{
				EncounterID: d.EncounterID, MedicationName: d.MedicationName, Dosage: d.Dosage, Frequency: d.Frequency,
				Duration: d.Duration, Instructions: d.Instructions, MedicationID: d.MedicationID, Quantity: d.Quantity,
				OverrideReason: d.OverrideReason, AllergyCheck: d.AllergyCheck, AllergyTable: d.AllergyTable,
				AllergyNote: d.AllergyNote, Now: c.Now,
			})
			if err != nil {
				return nil, err
			}
			row, err := db.New().PrescriptionGet(ctx, c.Tx, made.ID, nil)
			if err != nil {
				return nil, err
			}
			return api.CreatePrescription201JSONResponse{
				Body:    toAPIPrescription(db.PrescriptionListRow(row)),
				Headers: api.CreatePrescription201ResponseHeaders{ETag: etag(made.Version)},
			}, recordPrescription(c, audit.Create, row.PatientID, nil, made)
		})
}

// ReplacePrescription sets every writable property of a prescription.
func (h *handlers) ReplacePrescription(ctx context.Context, r api.ReplacePrescriptionRequestObject) (api.ReplacePrescriptionResponseObject, error) {
	if r.Body.MedicationName == nil && fromNullable(r.Body.Medication) == nil {
		return nil, nameRequired
	}
	row, err := h.changePrescription(ctx, r.ID, r.Params.IfMatch, r.Body.OverrideReason,
		func(p db.CorePrescription) db.CorePrescription { return replacePrescription(p, *r.Body) })
	if err != nil {
		return nil, err
	}
	return api.ReplacePrescription200JSONResponse{
		Body:    toAPIPrescription(db.PrescriptionListRow(row)),
		Headers: api.ReplacePrescription200ResponseHeaders{ETag: etag(row.CorePrescription.Version)},
	}, nil
}

// UpdatePrescription sets the named properties of a prescription.
func (h *handlers) UpdatePrescription(ctx context.Context, r api.UpdatePrescriptionRequestObject) (api.UpdatePrescriptionResponseObject, error) {
	row, err := h.changePrescription(ctx, r.ID, r.Params.IfMatch, r.Body.OverrideReason,
		func(p db.CorePrescription) db.CorePrescription { return patchPrescription(p, *r.Body) })
	if err != nil {
		return nil, err
	}
	return api.UpdatePrescription200JSONResponse{
		Body:    toAPIPrescription(db.PrescriptionListRow(row)),
		Headers: api.UpdatePrescription200ResponseHeaders{ETag: etag(row.CorePrescription.Version)},
	}, nil
}

// changePrescription writes what edit makes of a prescription, unless it has been
// dispensed. reason is the override_reason of this request.
func (h *handlers) changePrescription(ctx context.Context, id int64, ifMatch, reason *string,
	edit func(db.CorePrescription) db.CorePrescription) (db.PrescriptionGetRow, error) {
	var row db.PrescriptionGetRow
	err := h.changes.Do(ctx, func(c *change.Change) error {
		before, encounter, err := lockPrescription(ctx, c, id, edit)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		if err := undispensed(before); err != nil {
			return err
		}
		draft := edit(before)
		if draft.EncounterID != before.EncounterID {
			draft.AllergyCheck = "" // what was decided for one patient does not count for another
		}
		d, err := examine(ctx, c, draft, encounter, valueOr(reason, ""))
		if err != nil {
			return err
		}
		if _, err := change.Edit(c, prescriptionEntry(audit.Edit, d, encounter.PatientID), before, d, func() (db.CorePrescription, error) {
			return db.New().PrescriptionUpdate(ctx, c.Tx, db.PrescriptionUpdateParams{
				ID: id, Version: before.Version, EncounterID: d.EncounterID, MedicationName: d.MedicationName,
				Dosage: d.Dosage, Frequency: d.Frequency, Duration: d.Duration, Instructions: d.Instructions,
				MedicationID: d.MedicationID, Quantity: d.Quantity, OverrideReason: d.OverrideReason,
				AllergyCheck: d.AllergyCheck, AllergyTable: d.AllergyTable, AllergyNote: d.AllergyNote, Now: c.Now,
			})
		}); err != nil {
			return err
		}
		row, err = db.New().PrescriptionGet(ctx, c.Tx, id, nil)
		return err
	})
	return row, err
}

// DeletePrescription removes a prescription that was not dispensed.
func (h *handlers) DeletePrescription(ctx context.Context, r api.DeletePrescriptionRequestObject) (api.DeletePrescriptionResponseObject, error) {
	var patientID int64
	return api.DeletePrescription204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CorePrescription]{
		Object: "prescription", Lock: db.New().PrescriptionLock, Delete: db.New().PrescriptionDelete,
		Version: func(row db.CorePrescription) int64 { return row.Version },
		Check: func(c *change.Change, row db.CorePrescription) error {
			if err := undispensed(row); err != nil {
				return err
			}
			seen, err := db.New().PrescriptionGet(ctx, c.Tx, row.ID, nil)
			patientID = seen.PatientID
			return err
		},
		Patient: func(db.CorePrescription) *int64 { return &patientID },
	})
}

func toAPIPrescription(row db.PrescriptionListRow) api.Prescription {
	r := row.CorePrescription
	return api.Prescription{
		ID: r.ID, PatientName: row.PatientName, DoctorName: row.DoctorName, MedicationName: r.MedicationName,
		Dosage: r.Dosage, Frequency: r.Frequency, Duration: r.Duration, Instructions: r.Instructions,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Encounter: r.EncounterID, Patient: row.PatientID,
		Doctor: row.DoctorID, Medication: toNullable(r.MedicationID), Quantity: toNullable(r.Quantity),
		OverrideReason: r.OverrideReason, AllergyCheck: api.PrescriptionAllergyCheck(r.AllergyCheck),
		AllergyNote: r.AllergyNote, DispensedAt: toNullable(r.DispensedAt), DispensedBy: toNullable(r.DispensedByID),
		Version: r.Version,
	}
}

func replacePrescription(r db.CorePrescription, b api.PrescriptionWrite) db.CorePrescription {
	r.EncounterID = b.Encounter
	r.MedicationID = fromNullable(b.Medication)
	r.MedicationName = valueOr(b.MedicationName, "")
	r.Quantity = fromNullable(b.Quantity)
	r.Dosage = b.Dosage
	r.Frequency = b.Frequency
	r.Duration = valueOr(b.Duration, "")
	r.Instructions = valueOr(b.Instructions, "")
	r.OverrideReason = valueOr(b.OverrideReason, "")
	return r
}

// patchPrescription takes the name of another medication with it, so that the two never
// speak of different ones.
func patchPrescription(r db.CorePrescription, b api.PrescriptionPatch) db.CorePrescription {
	if b.Medication.IsSpecified() {
		medicationID := fromNullable(b.Medication)
		if medicationID != nil && *medicationID != valueOr(r.MedicationID, 0) {
			r.MedicationName = ""
		}
		r.MedicationID = medicationID
	}
	if b.Quantity.IsSpecified() {
		r.Quantity = fromNullable(b.Quantity)
	}
	r.EncounterID = valueOr(b.Encounter, r.EncounterID)
	r.MedicationName = valueOr(b.MedicationName, r.MedicationName)
	r.Dosage = valueOr(b.Dosage, r.Dosage)
	r.Frequency = valueOr(b.Frequency, r.Frequency)
	r.Duration = valueOr(b.Duration, r.Duration)
	r.Instructions = valueOr(b.Instructions, r.Instructions)
	r.OverrideReason = valueOr(b.OverrideReason, r.OverrideReason)
	return r
}
