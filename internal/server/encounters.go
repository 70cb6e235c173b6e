package server

import (
	"context"

	"github.com/oapi-codegen/nullable"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/listing"
	"chelal/internal/pg"
)

// ListEncounters answers encounters to staff, and to a Patient the own ones.
func (h *handlers) ListEncounters(ctx context.Context, r api.ListEncountersRequestObject) (api.ListEncountersResponseObject, error) {
	p := r.Params
	request := pageOf(p.Page, p.PageSize, p.Cursor,
		string(valueOr(p.Ordering, api.ListEncountersParamsOrderingMinusCreatedAt)), h.encounterConditions(ctx, p))
	page, err := listing.Encounters.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListEncounters200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPIEncounter),
	}, nil
}

func (h *handlers) encounterConditions(ctx context.Context, p api.ListEncountersParams) []listing.Condition {
	caller := authn.PrincipalFrom(ctx)
	where := listing.OfPatientsFound(valueOr(p.Search, ""))
	if own := authz.OwnRows(caller); own != nil {
		where = append(where, listing.PatientsOf(*own))
	}
	if p.Patient != nil {
		where = append(where, listing.EncountersOfPatient(*p.Patient))
	}
	if doctor := userWanted(caller, p.Doctor); doctor != nil {
		where = append(where, listing.EncountersOfDoctor(*doctor))
	}
	if p.Appointment != nil {
		where = append(where, listing.EncountersOfAppointment(*p.Appointment))
	}
	if p.DateFrom != nil {
		where = append(where, listing.EncountersFrom(h.dayStart(*p.DateFrom)))
	}
	if p.DateTo != nil {
		where = append(where, listing.EncountersUntil(h.dayEnd(*p.DateTo)))
	}
	return where
}

// GetEncounter answers one encounter, to a Patient an own one only.
func (h *handlers) GetEncounter(ctx context.Context, r api.GetEncounterRequestObject) (api.GetEncounterResponseObject, error) {
	row, err := db.New().EncounterGet(ctx, h.DB, r.ID, authz.OwnRows(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	return api.GetEncounter200JSONResponse{
		Body: toAPIEncounter(db.EncounterListRow(row)), Headers: api.GetEncounter200ResponseHeaders{ETag: etag(row.CoreEncounter.Version)},
	}, nil
}

// CreateEncounter writes an encounter. Its appointment, if it has one, begins by that.
func (h *handlers) CreateEncounter(ctx context.Context, r api.CreateEncounterRequestObject) (api.CreateEncounterResponseObject, error) {
	e, err := draftEncounter(authn.PrincipalFrom(ctx), *r.Body)
	if err != nil {
		return nil, err
	}
	return once(ctx, h, "createEncounter", r.Params.IdempotencyKey, api.CreateEncounterResponseObject.VisitCreateEncounterResponse,
		func(c *change.Change) (api.CreateEncounterResponseObject, error) {
			v := visitOf(e)
			found, err := v.lock(ctx, c, v)
			if err != nil {
				return nil, err
			}
			if err := v.check(found); err != nil {
				return nil, err
			}
			if err := beginAppointment(ctx, c, found.appointment); err != nil {
				return nil, err
			}
			row, err := db.New().EncounterCreate(ctx, c.Tx, db.EncounterCreateParams{
				PatientID: e.PatientID, AppointmentID: e.AppointmentID, DoctorID: e.DoctorID, Notes: e.Notes,
				Diagnosis: e.Diagnosis, Now: c.Now,
			})
			if err != nil {
				return nil, err
			}
			full, err := db.New().EncounterGet(ctx, c.Tx, row.ID, nil)
			if err != nil {
				return nil, err
			}
			return api.CreateEncounter201JSONResponse{
				Body: toAPIEncounter(db.EncounterListRow(full)), Headers: api.CreateEncounter201ResponseHeaders{ETag: etag(row.Version)},
			}, c.Record(audit.Entry{Action: audit.Create, Object: "encounter", ID: row.ID, PatientID: &row.PatientID, After: row})
		})
}

// draftEncounter is the encounter that a body describes: the caller's own, or that of
// the doctor whom an Admin names.
func draftEncounter(caller authn.Principal, body api.EncounterWrite) (db.CoreEncounter, error) {
	e := db.CoreEncounter{DoctorID: caller.UserID}
	if caller.Role == authn.RoleAdmin && body.Doctor == nil {
		return e, doctorRequired
	}
	applyEncounter(&e, encounterReplacement(body))
	return e, checkWriter(caller, body.Doctor)
}

// ReplaceEncounter sets every writable property of an encounter; without a doctor it
// keeps its own.
func (h *handlers) ReplaceEncounter(ctx context.Context, r api.ReplaceEncounterRequestObject) (api.ReplaceEncounterResponseObject, error) {
	row, err := h.changeEncounter(ctx, r.ID, r.Params.IfMatch, encounterReplacement(*r.Body))
	if err != nil {
		return nil, err
	}
	return api.ReplaceEncounter200JSONResponse{
		Body: toAPIEncounter(row), Headers: api.ReplaceEncounter200ResponseHeaders{ETag: etag(row.CoreEncounter.Version)},
	}, nil
}

// UpdateEncounter sets the named properties of an encounter.
func (h *handlers) UpdateEncounter(ctx context.Context, r api.UpdateEncounterRequestObject) (api.UpdateEncounterResponseObject, error) {
	row, err := h.changeEncounter(ctx, r.ID, r.Params.IfMatch, *r.Body)
	if err != nil {
		return nil, err
	}
	return api.UpdateEncounter200JSONResponse{
		Body: toAPIEncounter(row), Headers: api.UpdateEncounter200ResponseHeaders{ETag: etag(row.CoreEncounter.Version)},
	}, nil
}

// changeEncounter applies a patch to an encounter. When it changes whose encounter it
// is, those who are concerned are locked before the encounter.
func (h *handlers) changeEncounter(ctx context.Context, id int64, ifMatch *string, patch api.EncounterPatch) (db.EncounterListRow, error) {
	var result db.EncounterListRow
	err := h.changes.Do(ctx, func(c *change.Change) error {
		if err := checkWriter(c.Actor, patch.Doctor); err != nil {
			return err
		}
		seen, err := db.New().EncounterGet(ctx, c.Tx, id, nil)
		if err != nil {
			return err
		}
		if c.Actor.Role != authn.RoleAdmin && c.Actor.UserID != seen.CoreEncounter.DoctorID {
			return foreignEncounter
		}
		if err := checkNewVisit(ctx, c, seen.CoreEncounter, patch); err != nil {
			return err
		}
		before, err := db.New().EncounterLock(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		if visitOf(before) != visitOf(seen.CoreEncounter) {
			return encounterMoved
		}
		result, err = updateEncounter(ctx, c, before, patch)
		return err
	})
	return result, err
}

// updateEncounter writes what a patch makes of an encounter that is locked.
func updateEncounter(ctx context.Context, c *change.Change, before db.CoreEncounter, patch api.EncounterPatch) (db.EncounterListRow, error) {
	after := before
	applyEncounter(&after, patch)
	if after.PatientID != before.PatientID {
		inUse, err := db.New().EncounterInUse(ctx, c.Tx, before.ID)
		if err != nil {
			return db.EncounterListRow{}, err
		}
		if inUse {
			return db.EncounterListRow{}, encounterInUse
		}
	}
	entry := audit.Entry{Object: "encounter", ID: before.ID, PatientID: &after.PatientID}
	if _, err := change.Edit(c, entry, before, after, func() (db.CoreEncounter, error) {
		return db.New().EncounterUpdate(ctx, c.Tx, db.EncounterUpdateParams{
			ID: before.ID, Version: before.Version, PatientID: after.PatientID, AppointmentID: after.AppointmentID,
			DoctorID: after.DoctorID, Notes: after.Notes, Diagnosis: after.Diagnosis, Now: c.Now,
		})
	}); err != nil {
		return db.EncounterListRow{}, err
	}
	row, err := db.New().EncounterGet(ctx, c.Tx, before.ID, nil)
	return db.EncounterListRow(row), err
}

// DeleteEncounter removes an encounter with its prescriptions, none of which may have
// been dispensed.
func (h *handlers) DeleteEncounter(ctx context.Context, r api.DeleteEncounterRequestObject) (api.DeleteEncounterResponseObject, error) {
	return api.DeleteEncounter204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreEncounter]{
		Object: "encounter", Lock: db.New().EncounterLock, Delete: db.New().EncounterDelete,
		Version: func(row db.CoreEncounter) int64 { return row.Version },
		Patient: func(row db.CoreEncounter) *int64 { return &row.PatientID },
		Check: func(c *change.Change, row db.CoreEncounter) error {
			prescriptions, err := db.New().PrescriptionsOfEncounterLock(ctx, c.Tx, row.ID)
			if err != nil {
				return err
			}
			for _, p := range prescriptions {
				if p.DispensedAt != nil {
					return pg.AlreadyDispensed
				}
				err := c.Record(audit.Entry{Action: audit.Delete, Object: "prescription", ID: p.ID, PatientID: &row.PatientID, Before: p})
				if err != nil {
					return err
				}
			}
			return nil
		},
	})
}

var (
	doctorRequired = apperr.InvalidFields(apperr.Field{Name: "doctor", Code: "required",
		Message: "An Admin names the doctor whose encounter it is."})
	otherWriter = apperr.New(apperr.Forbidden, "forbidden", "A Doctor writes as themselves; only an Admin names another doctor.").
			OnField("doctor", "forbidden")
	foreignEncounter = apperr.New(apperr.Forbidden, "forbidden",
		"This is another doctor's encounter; that doctor or an Admin changes it.")
	encounterInUse = apperr.New(apperr.Conflict, "encounter_in_use",
		"This encounter has prescriptions or a bill, so its patient stays. Write another encounter for the other patient.").
		OnField("patient", "encounter_in_use")
	encounterMoved = apperr.New(apperr.Conflict, "changed_meanwhile",
		"Somebody else changed whose encounter this is at the same moment. Read it again, and repeat your change.")
)

// checkWriter refuses a Doctor who names another as an encounter's doctor.
func checkWriter(caller authn.Principal, doctor *int64) error {
	if caller.Role != authn.RoleAdmin && valueOr(doctor, caller.UserID) != caller.UserID {
		return otherWriter
	}
	return nil
}

func applyEncounter(e *db.CoreEncounter, patch api.EncounterPatch) {
	e.PatientID = valueOr(patch.Patient, e.PatientID)
	if patch.Appointment.IsSpecified() {
		e.AppointmentID = fromNullable(patch.Appointment)
	}
	e.DoctorID = valueOr(patch.Doctor, e.DoctorID)
	e.Notes = valueOr(patch.Notes, e.Notes)
	e.Diagnosis = valueOr(patch.Diagnosis, e.Diagnosis)
}

// encounterReplacement is a patch that names every property but a doctor who is not named.
func encounterReplacement(w api.EncounterWrite) api.EncounterPatch {
	appointment := w.Appointment
	if !appointment.IsSpecified() {
		appointment = nullable.NewNullNullable[int64]()
	}
	return api.EncounterPatch{
		Patient: &w.Patient, Appointment: appointment, Doctor: w.Doctor, Notes: &w.Notes,
		Diagnosis: new(valueOr(w.Diagnosis, "")),
	}
}

func toAPIEncounter(row db.EncounterListRow) api.Encounter {
	e := row.CoreEncounter
	return api.Encounter{
		ID: e.ID, PatientName: row.PatientName, DoctorName: row.DoctorName, Notes: e.Notes, Diagnosis: e.Diagnosis,
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, Patient: e.PatientID, Appointment: toNullable(e.AppointmentID),
		Doctor: e.DoctorID, Version: e.Version,
	}
}
