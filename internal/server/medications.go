package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/listing"
)

// ListMedications answers what the pharmacy keeps.
func (h *handlers) ListMedications(ctx context.Context, r api.ListMedicationsRequestObject) (api.ListMedicationsResponseObject, error) {
	p := r.Params
	where := listing.MedicationsFound(valueOr(p.Search, ""))
	if p.LowStock != nil {
		where = append(where, listing.MedicationsLow(*p.LowStock))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListMedicationsParamsOrderingName)), where)
	page, err := listing.Medications.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListMedications200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPIMedication),
	}, nil
}

// GetMedication answers one medication with its stock.
func (h *handlers) GetMedication(ctx context.Context, r api.GetMedicationRequestObject) (api.GetMedicationResponseObject, error) {
	row, err := db.New().MedicationGet(ctx, h.DB, r.ID)
	if err != nil {
		return nil, err
	}
	return api.GetMedication200JSONResponse{
		Body: toAPIMedication(row), Headers: api.GetMedication200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// CreateMedication adds a medication and writes what there is of it to the ledger.
func (h *handlers) CreateMedication(ctx context.Context, r api.CreateMedicationRequestObject) (api.CreateMedicationResponseObject, error) {
	return once(ctx, h, "createMedication", r.Params.IdempotencyKey, api.CreateMedicationResponseObject.VisitCreateMedicationResponse,
		func(c *change.Change) (api.CreateMedicationResponseObject, error) {
			var m db.CoreMedication
			replaceMedication(&m, *r.Body)
			row, err := db.New().MedicationCreate(ctx, c.Tx, db.MedicationCreateParams{
				Name: m.Name, GenericName: m.GenericName, Description: m.Description, Unit: m.Unit,
				ReorderLevel: m.ReorderLevel, Now: c.Now,
			})
			if err != nil {
				return nil, err
			}
			row, err = setStock(ctx, c, row, m.CurrentStock, opening)
			if err != nil {
				return nil, err
			}
			return api.CreateMedication201JSONResponse{
				Body:    toAPIMedication(row),
				Headers: api.CreateMedication201ResponseHeaders{ETag: etag(row.Version)},
			}, c.Record(audit.Entry{Action: audit.Create, Object: "medication", ID: row.ID, After: row})
		})
}

// ReplaceMedication sets every writable property of a medication but the stock, which
// stays as it is when it is left out.
func (h *handlers) ReplaceMedication(ctx context.Context, r api.ReplaceMedicationRequestObject) (api.ReplaceMedicationResponseObject, error) {
	row, err := h.changeMedication(ctx, r.ID, r.Params.IfMatch, func(m *db.CoreMedication) { replaceMedication(m, *r.Body) })
	if err != nil {
		return nil, err
	}
	return api.ReplaceMedication200JSONResponse{
		Body: toAPIMedication(row), Headers: api.ReplaceMedication200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// UpdateMedication sets the named properties of a medication.
func (h *handlers) UpdateMedication(ctx context.Context, r api.UpdateMedicationRequestObject) (api.UpdateMedicationResponseObject, error) {
	row, err := h.changeMedication(ctx, r.ID, r.Params.IfMatch, func(m *db.CoreMedication) { patchMedication(m, *r.Body) })
	if err != nil {
		return nil, err
	}
	return api.UpdateMedication200JSONResponse{
		Body: toAPIMedication(row), Headers: api.UpdateMedication200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// changeMedication locks a medication, lets edit say what it is to be, and writes that: the
// stock to the ledger, the rest to the record. Whether the stock became low is asked of
// both together, so that one request tells of it once.
func (h *handlers) changeMedication(ctx context.Context, id int64, ifMatch *string,
	edit func(*db.CoreMedication)) (db.CoreMedication, error) {
	var after db.CoreMedication
	err := h.changes.Do(ctx, func(c *change.Change) error {
		before, err := db.New().MedicationLock(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		m := before
		edit(&m)
		after, err = change.Edit(c, audit.Entry{Object: "medication", ID: id}, before, m, func() (db.CoreMedication, error) {
			row, err := db.New().MedicationUpdate(ctx, c.Tx, db.MedicationUpdateParams{
				ID: id, Version: before.Version, Name: m.Name, GenericName: m.GenericName, Description: m.Description,
				Unit: m.Unit, ReorderLevel: m.ReorderLevel, Now: c.Now,
			})
			if err != nil {
				return row, err
			}
			return setStock(ctx, c, row, m.CurrentStock, correction)
		})
		if err != nil {
			return err
		}
		return notifyLowStock(ctx, c, before, after)
	})
	return after, err
}

// DeleteMedication removes a medication that was never in stock and never prescribed.
func (h *handlers) DeleteMedication(ctx context.Context, r api.DeleteMedicationRequestObject) (api.DeleteMedicationResponseObject, error) {
	return api.DeleteMedication204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreMedication]{
		Object: "medication", Lock: db.New().MedicationLock, Delete: db.New().MedicationDelete,
		Version: func(row db.CoreMedication) int64 { return row.Version },
	})
}

func toAPIMedication(m db.CoreMedication) api.Medication {
	return api.Medication{
		ID: m.ID, Name: m.Name, GenericName: m.GenericName, Description: m.Description, Unit: m.Unit,
		CurrentStock: m.CurrentStock, ReorderLevel: m.ReorderLevel, UpdatedAt: m.UpdatedAt, Version: m.Version,
	}
}

func replaceMedication(m *db.CoreMedication, b api.MedicationWrite) {
	m.Name = b.Name
	m.GenericName = valueOr(b.GenericName, "")
	m.Description = valueOr(b.Description, "")
	m.Unit = valueOr(b.Unit, "tablet")
	m.ReorderLevel = valueOr(b.ReorderLevel, 10)
	m.CurrentStock = valueOr(b.CurrentStock, m.CurrentStock)
}

func patchMedication(m *db.CoreMedication, b api.MedicationPatch) {
	m.Name = valueOr(b.Name, m.Name)
	m.GenericName = valueOr(b.GenericName, m.GenericName)
	m.Description = valueOr(b.Description, m.Description)
	m.Unit = valueOr(b.Unit, m.Unit)
	m.ReorderLevel = valueOr(b.ReorderLevel, m.ReorderLevel)
	m.CurrentStock = valueOr(b.CurrentStock, m.CurrentStock)
}
