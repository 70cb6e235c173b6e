package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/listing"
)

// ListServiceItems answers what the hospital offers.
func (h *handlers) ListServiceItems(ctx context.Context, r api.ListServiceItemsRequestObject) (api.ListServiceItemsResponseObject, error) {
	p := r.Params
	where := listing.ServiceItemsFound(valueOr(p.Search, ""))
	if p.Category != nil {
		where = append(where, listing.ServiceItemsOfCategory(*p.Category))
	}
	if p.IsActive != nil {
		where = append(where, listing.ServiceItemsActive(*p.IsActive))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListServiceItemsParamsOrderingName)), where)
	page, err := listing.ServiceItems.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListServiceItems200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPIServiceItem),
	}, nil
}

// GetServiceItem answers one service.
func (h *handlers) GetServiceItem(ctx context.Context, r api.GetServiceItemRequestObject) (api.GetServiceItemResponseObject, error) {
	row, err := db.New().ServiceItemGet(ctx, h.DB, r.ID)
	if err != nil {
		return nil, err
	}
	return api.GetServiceItem200JSONResponse{
		Body: toAPIServiceItem(row), Headers: api.GetServiceItem200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// CreateServiceItem adds a service, which bills may name from now on.
func (h *handlers) CreateServiceItem(ctx context.Context, r api.CreateServiceItemRequestObject) (api.CreateServiceItemResponseObject, error) {
	return once(ctx, h, "createServiceItem", r.Params.IdempotencyKey, api.CreateServiceItemResponseObject.VisitCreateServiceItemResponse,
		func(c *change.Change) (api.CreateServiceItemResponseObject, error) {
			var s db.CoreServiceitem
			replaceServiceItem(&s, *r.Body)
			row, err := db.New().ServiceItemCreate(ctx, c.Tx, db.ServiceItemCreateParams{
				Code: s.Code, Name: s.Name, Category: s.Category, Price: s.Price, IsActive: s.IsActive, Now: c.Now,
			})
			if err != nil {
				return nil, err
			}
			return api.CreateServiceItem201JSONResponse{
				Body: toAPIServiceItem(row), Headers: api.CreateServiceItem201ResponseHeaders{ETag: etag(row.Version)},
			}, c.Record(audit.Entry{Action: audit.Create, Object: "serviceitem", ID: row.ID, After: row})
		})
}

// ReplaceServiceItem sets every writable property of a service.
func (h *handlers) ReplaceServiceItem(ctx context.Context, r api.ReplaceServiceItemRequestObject) (api.ReplaceServiceItemResponseObject, error) {
	row, err := h.changeServiceItem(ctx, r.ID, r.Params.IfMatch, func(s *db.CoreServiceitem) { replaceServiceItem(s, *r.Body) })
	if err != nil {
		return nil, err
	}
	return api.ReplaceServiceItem200JSONResponse{
		Body: toAPIServiceItem(row), Headers: api.ReplaceServiceItem200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// UpdateServiceItem sets the named properties of a service.
func (h *handlers) UpdateServiceItem(ctx context.Context, r api.UpdateServiceItemRequestObject) (api.UpdateServiceItemResponseObject, error) {
	row, err := h.changeServiceItem(ctx, r.ID, r.Params.IfMatch, func(s *db.CoreServiceitem) { patchServiceItem(s, *r.Body) })
	if err != nil {
		return nil, err
	}
	return api.UpdateServiceItem200JSONResponse{
		Body: toAPIServiceItem(row), Headers: api.UpdateServiceItem200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// changeServiceItem locks a service, lets edit say what it is to be, and writes that.
func (h *handlers) changeServiceItem(ctx context.Context, id int64, ifMatch *string,
	edit func(*db.CoreServiceitem)) (db.CoreServiceitem, error) {
	var after db.CoreServiceitem
	err := h.changes.Do(ctx, func(c *change.Change) error {
		before, err := db.New().ServiceItemLock(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		s := before
		edit(&s)
		after, err = change.Edit(c, audit.Entry{Object: "serviceitem", ID: id}, before, s, func() (db.CoreServiceitem, error) {
			return db.New().ServiceItemUpdate(ctx, c.Tx, db.ServiceItemUpdateParams{
				ID: id, Version: before.Version, Code: s.Code, Name: s.Name, Category: s.Category, Price: s.Price,
				IsActive: s.IsActive, Now: c.Now,
			})
		})
		return err
	})
	return after, err
}

// DeleteServiceItem removes a service that no bill names.
func (h *handlers) DeleteServiceItem(ctx context.Context, r api.DeleteServiceItemRequestObject) (api.DeleteServiceItemResponseObject, error) {
	return api.DeleteServiceItem204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreServiceitem]{
		Object: "serviceitem", Lock: db.New().ServiceItemLock, Delete: db.New().ServiceItemDelete,
		Version: func(row db.CoreServiceitem) int64 { return row.Version },
	})
}

func toAPIServiceItem(s db.CoreServiceitem) api.ServiceItem {
	return api.ServiceItem{
		ID: s.ID, Code: s.Code, Name: s.Name, Category: s.Category, Price: s.Price.String(), IsActive: s.IsActive,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, Version: s.Version,
	}
}

func replaceServiceItem(s *db.CoreServiceitem, b api.ServiceItemWrite) {
	s.Code = b.Code
	s.Name = b.Name
	s.Category = valueOr(b.Category, "")
	s.Price = amountOr(&b.Price, 0)
	s.IsActive = valueOr(b.IsActive, true)
}

func patchServiceItem(s *db.CoreServiceitem, b api.ServiceItemPatch) {
	s.Code = valueOr(b.Code, s.Code)
	s.Name = valueOr(b.Name, s.Name)
	s.Category = valueOr(b.Category, s.Category)
	s.Price = amountOr(b.Price, s.Price)
	s.IsActive = valueOr(b.IsActive, s.IsActive)
}
