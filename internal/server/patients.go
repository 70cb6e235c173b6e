package server

import (
	"context"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/auditlog"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/listing"
	"chelal/internal/patient"
	"chelal/internal/pg"
)

// ListPatients answers patients to staff, and to a Patient the own record.
func (h *handlers) ListPatients(ctx context.Context, r api.ListPatientsRequestObject) (api.ListPatientsResponseObject, error) {
	p := r.Params
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListPatientsParamsOrderingID)),
		patientConditions(ctx, p))
	page, err := listing.Patients.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListPatients200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPIPatient),
	}, nil
}

func patientConditions(ctx context.Context, p api.ListPatientsParams) []listing.Condition {
	where := listing.PatientsFound(valueOr(p.Search, ""))
	if own := authz.OwnRows(authn.PrincipalFrom(ctx)); own != nil {
		where = append(where, listing.PatientsOf(*own))
	}
	if p.Gender != nil {
		where = append(where, listing.PatientsOfGender(*p.Gender))
	}
	if p.BornAfter != nil {
		where = append(where, listing.PatientsBornAfter(p.BornAfter.Time))
	}
	if p.BornBefore != nil {
		where = append(where, listing.PatientsBornBefore(p.BornBefore.Time))
	}
	return where
}

// GetPatient answers one patient, to a Patient the own record only.
func (h *handlers) GetPatient(ctx context.Context, r api.GetPatientRequestObject) (api.GetPatientResponseObject, error) {
	row, err := h.viewPatient(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return api.GetPatient200JSONResponse{
		Body: toAPIPatient(row), Headers: api.GetPatient200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// CreatePatient registers a patient and names those who may be the same person.
func (h *handlers) CreatePatient(ctx context.Context, r api.CreatePatientRequestObject) (api.CreatePatientResponseObject, error) {
	details := fromAPIPatient(*r.Body)
	if fields := details.Check(h.today()); len(fields) > 0 {
		return nil, apperr.InvalidFields(fields...)
	}
	userID := fromNullable(r.Body.User)
	if userID != nil && !authz.FrontDesk.Allows(authn.PrincipalFrom(ctx)) {
		return nil, linkRefused
	}
	reject := valueOr(r.Params.OnDuplicate, api.CreatePatientParamsOnDuplicateReport) == api.CreatePatientParamsOnDuplicateReject
	return once(ctx, h, "createPatient", r.Params.IdempotencyKey, api.CreatePatientResponseObject.VisitCreatePatientResponse,
		func(c *change.Change) (api.CreatePatientResponseObject, error) {
			var duplicates []api.PatientSummary
			var row db.CorePatient
			err := pg.AtOnce(ctx, c.Tx, append(findDuplicates(ctx, details, reject, &duplicates), func(conn db.DBTX) (err error) {
				row, err = db.New().PatientCreate(ctx, conn, db.PatientCreateParams{
					FirstName: details.FirstName, LastName: details.LastName, DateOfBirth: details.DateOfBirth,
					Gender: details.Gender, ContactInfo: details.ContactInfo, Address: details.Address,
					KnownAllergies: details.KnownAllergies, UserID: userID, Now: c.Now,
				})
				return err
			})...)
			if err != nil {
				return nil, err
			}
			shown := convert(duplicates, func(d api.PatientSummary) auditlog.Viewed {
				return auditlog.Viewed{Action: audit.View, Object: "patient", ID: d.ID, PatientID: d.ID}
			})
			// The change would be made already if this failed after it.
			if err := h.writeViews(pg.WithTx(ctx, c.Tx), "createPatient", shown); err != nil {
				return nil, err
			}
			return api.CreatePatient201JSONResponse{
				Body:    toAPICreatedPatient(row, duplicates),
				Headers: api.CreatePatient201ResponseHeaders{ETag: etag(row.Version)},
			}, c.Record(audit.Entry{Action: audit.Create, Object: "patient", ID: row.ID, PatientID: &row.ID, After: row})
		})
}

// findDuplicates asks who may be the same person. When they are to be refused, others who register
// that person at the same time are made to wait.
func findDuplicates(ctx context.Context, d patient.Details, reject bool, found *[]api.PatientSummary) []pg.Question {
	look := func(conn db.DBTX) error {
		rows, err := db.New().PatientDuplicates(ctx, conn, db.PatientDuplicatesParams{
			DateOfBirth: d.DateOfBirth, Name: d.FirstName + " " + d.LastName, ContactInfo: d.ContactInfo,
		})
		*found = convert(rows, toAPIPatientSummary)
		if err == nil && reject && len(rows) > 0 {
			err = possibleDuplicate.With("possible_duplicates", *found)
		}
		return err
	}
	if !reject {
		return []pg.Question{look}
	}
	return []pg.Question{
		func(conn db.DBTX) error { return db.New().PatientDuplicateLock(ctx, conn, d.DateOfBirth) },
		func(conn db.DBTX) error { return db.New().PatientContactLock(ctx, conn, d.ContactInfo) },
		look,
	}
}

var (
	possibleDuplicate = apperr.New(apperr.Conflict, "possible_duplicate",
		"This patient may be registered already; see possible_duplicates. Without on_duplicate=reject the patient is registered all the same.")
	linkRefused = apperr.New(apperr.Forbidden, "forbidden", "Only an Admin or a Receptionist links a patient to an account.").
			OnField("user", "forbidden")
)

// ReplacePatient sets every writable property of a patient.
func (h *handlers) ReplacePatient(ctx context.Context, r api.ReplacePatientRequestObject) (api.ReplacePatientResponseObject, error) {
	mayLink := authz.FrontDesk.Allows(authn.PrincipalFrom(ctx))
	row, err := h.changePatient(ctx, r.ID, r.Params.IfMatch, func(p *patient.Details, userID **int64) {
		*p = fromAPIPatient(*r.Body)
		if r.Body.User.IsSpecified() || mayLink {
			*userID = fromNullable(r.Body.User)
		}
	})
	if err != nil {
		return nil, err
	}
	return api.ReplacePatient200JSONResponse{
		Body: toAPIPatient(row), Headers: api.ReplacePatient200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// UpdatePatient sets the named properties of a patient.
func (h *handlers) UpdatePatient(ctx context.Context, r api.UpdatePatientRequestObject) (api.UpdatePatientResponseObject, error) {
	row, err := h.changePatient(ctx, r.ID, r.Params.IfMatch, func(p *patient.Details, userID **int64) {
		applyPatch(p, *r.Body)
		if r.Body.User.IsSpecified() {
			*userID = fromNullable(r.Body.User)
		}
	})
	if err != nil {
		return nil, err
	}
	return api.UpdatePatient200JSONResponse{
		Body: toAPIPatient(row), Headers: api.UpdatePatient200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// changePatient locks a patient, lets edit work on the details and the linked account,
// and writes what came of it.
func (h *handlers) changePatient(ctx context.Context, id int64, ifMatch *string,
	edit func(*patient.Details, **int64)) (db.CorePatient, error) {
	var after db.CorePatient
	err := h.changes.Do(ctx, func(c *change.Change) error {
		before, err := db.New().PatientLock(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		if err := checkUnmerged(before, ""); err != nil {
			return err
		}
		d, userID := detailsOf(before), before.UserID
		edit(&d, &userID)
		if fields := d.Check(h.today()); len(fields) > 0 {
			return apperr.InvalidFields(fields...)
		}
		if valueOr(userID, 0) != valueOr(before.UserID, 0) && !authz.FrontDesk.Allows(c.Actor) {
			return linkRefused
		}
		wanted := withDetails(before, d)
		wanted.UserID = userID
		after, err = change.Edit(c, audit.Entry{Object: "patient", ID: id, PatientID: &id}, before, wanted, func() (db.CorePatient, error) {
			return db.New().PatientUpdate(ctx, c.Tx, db.PatientUpdateParams{
				ID: id, Version: before.Version, FirstName: d.FirstName, LastName: d.LastName, DateOfBirth: d.DateOfBirth,
				Gender: d.Gender, ContactInfo: d.ContactInfo, Address: d.Address, KnownAllergies: d.KnownAllergies,
				UserID: userID, Now: c.Now,
			})
		})
		return err
	})
	return after, err
}

// DeletePatient removes a patient without any record of care or money.
func (h *handlers) DeletePatient(ctx context.Context, r api.DeletePatientRequestObject) (api.DeletePatientResponseObject, error) {
	return api.DeletePatient204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CorePatient]{
		Object: "patient", Lock: db.New().PatientLock, Delete: db.New().PatientDelete,
		Version: func(row db.CorePatient) int64 { return row.Version },
		Patient: func(row db.CorePatient) *int64 { return &row.ID },
		Check:   func(_ *change.Change, row db.CorePatient) error { return checkUnmerged(row, "") },
	})
}

func toAPIPatient(p db.CorePatient) api.Patient {
	return api.Patient{
		ID: p.ID, UniqueID: p.UniqueID, FirstName: p.FirstName, LastName: p.LastName,
		DateOfBirth: openapi_types.Date{Time: p.DateOfBirth}, Gender: p.Gender, ContactInfo: p.ContactInfo,
		Address: p.Address, KnownAllergies: p.KnownAllergies, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
		User: toNullable(p.UserID), MergedInto: toNullable(p.MergedIntoID), Version: p.Version,
	}
}

func toAPICreatedPatient(p db.CorePatient, duplicates []api.PatientSummary) api.CreatedPatient {
	a := toAPIPatient(p)
	return api.CreatedPatient{
		ID: a.ID, UniqueID: a.UniqueID, FirstName: a.FirstName, LastName: a.LastName, DateOfBirth: a.DateOfBirth,
		Gender: a.Gender, ContactInfo: a.ContactInfo, Address: a.Address, KnownAllergies: a.KnownAllergies,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, User: a.User, MergedInto: a.MergedInto,
		Version: a.Version, PossibleDuplicates: duplicates,
	}
}

func toAPIPatientSummary(p db.PatientDuplicatesRow) api.PatientSummary {
	return api.PatientSummary{
		ID: p.ID, UniqueID: p.UniqueID, FirstName: p.FirstName, LastName: p.LastName,
		DateOfBirth: openapi_types.Date{Time: p.DateOfBirth},
	}
}

func fromAPIPatient(b api.PatientWrite) patient.Details {
	return patient.Details{
		FirstName: b.FirstName, LastName: b.LastName, DateOfBirth: b.DateOfBirth.Time, Gender: b.Gender,
		ContactInfo: valueOr(b.ContactInfo, ""), Address: valueOr(b.Address, ""), KnownAllergies: valueOr(b.KnownAllergies, ""),
	}
}

func detailsOf(p db.CorePatient) patient.Details {
	return patient.Details{
		FirstName: p.FirstName, LastName: p.LastName, DateOfBirth: p.DateOfBirth, Gender: p.Gender,
		ContactInfo: p.ContactInfo, Address: p.Address, KnownAllergies: p.KnownAllergies,
	}
}

func withDetails(p db.CorePatient, d patient.Details) db.CorePatient {
	p.FirstName, p.LastName, p.DateOfBirth, p.Gender = d.FirstName, d.LastName, d.DateOfBirth, d.Gender
	p.ContactInfo, p.Address, p.KnownAllergies = d.ContactInfo, d.Address, d.KnownAllergies
	return p
}

func applyPatch(d *patient.Details, b api.PatientPatch) {
	d.FirstName = valueOr(b.FirstName, d.FirstName)
	d.LastName = valueOr(b.LastName, d.LastName)
	d.DateOfBirth = valueOr(b.DateOfBirth, openapi_types.Date{Time: d.DateOfBirth}).Time
	d.Gender = valueOr(b.Gender, d.Gender)
	d.ContactInfo = valueOr(b.ContactInfo, d.ContactInfo)
	d.Address = valueOr(b.Address, d.Address)
	d.KnownAllergies = valueOr(b.KnownAllergies, d.KnownAllergies)
}
