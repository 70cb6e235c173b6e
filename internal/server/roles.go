package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/listing"
)

// ListRoles answers roles to any signed-in user.
func (h *handlers) ListRoles(ctx context.Context, r api.ListRolesRequestObject) (api.ListRolesResponseObject, error) {
	p := r.Params
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListRolesParamsOrderingName)),
		listing.RolesNamed(valueOr(p.Search, "")))
	page, err := listing.Roles.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListRoles200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPIRole),
	}, nil
}

// GetRole answers one role.
func (h *handlers) GetRole(ctx context.Context, r api.GetRoleRequestObject) (api.GetRoleResponseObject, error) {
	role, err := db.New().RoleGet(ctx, h.DB, r.ID)
	if err != nil {
		return nil, err
	}
	return api.GetRole200JSONResponse{Body: toAPIRole(role), Headers: api.GetRole200ResponseHeaders{ETag: etag(role.Version)}}, nil
}

// CreateRole adds a role; its users are staff.
func (h *handlers) CreateRole(ctx context.Context, r api.CreateRoleRequestObject) (api.CreateRoleResponseObject, error) {
	return once(ctx, h, "createRole", r.Params.IdempotencyKey, api.CreateRoleResponseObject.VisitCreateRoleResponse,
		func(c *change.Change) (api.CreateRoleResponseObject, error) {
			role, err := db.New().RoleCreate(ctx, c.Tx, r.Body.Name, valueOr(r.Body.Description, ""))
			if err != nil {
				return nil, err
			}
			return api.CreateRole201JSONResponse{
				Body: toAPIRole(role), Headers: api.CreateRole201ResponseHeaders{ETag: etag(role.Version)},
			}, c.Record(audit.Entry{Action: audit.Create, Object: "role", ID: role.ID, After: role})
		})
}

// ReplaceRole sets every writable property of a role.
func (h *handlers) ReplaceRole(ctx context.Context, r api.ReplaceRoleRequestObject) (api.ReplaceRoleResponseObject, error) {
	role, err := h.changeRole(ctx, r.ID, r.Params.IfMatch, r.Body.Name, valueOr(r.Body.Description, ""))
	if err != nil {
		return nil, err
	}
	return api.ReplaceRole200JSONResponse{
		Body: toAPIRole(role), Headers: api.ReplaceRole200ResponseHeaders{ETag: etag(role.Version)},
	}, nil
}

// UpdateRole sets the named properties of a role.
func (h *handlers) UpdateRole(ctx context.Context, r api.UpdateRoleRequestObject) (api.UpdateRoleResponseObject, error) {
	role, err := h.changeRole(ctx, r.ID, r.Params.IfMatch, valueOr(r.Body.Name, keep), valueOr(r.Body.Description, keep))
	if err != nil {
		return nil, err
	}
	return api.UpdateRole200JSONResponse{
		Body: toAPIRole(role), Headers: api.UpdateRole200ResponseHeaders{ETag: etag(role.Version)},
	}, nil
}

// keep stands for a text that stays as it is; no caller can send it, since control
// characters are refused.
const keep = "\x00"

var builtinRole = apperr.New(apperr.Conflict, "builtin_role", "A built-in role cannot be renamed or deleted.")

func (h *handlers) changeRole(ctx context.Context, id int64, ifMatch *string, name, description string) (db.CoreRole, error) {
	var after db.CoreRole
	err := h.changes.Do(ctx, func(c *change.Change) error {
		before, err := db.New().RoleLock(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		wanted := before
		if name != keep {
			wanted.Name = name
		}
		if description != keep {
			wanted.Description = description
		}
		if before.IsBuiltin && wanted.Name != before.Name {
			return builtinRole
		}
		after, err = change.Edit(c, audit.Entry{Object: "role", ID: id}, before, wanted, func() (db.CoreRole, error) {
			return db.New().RoleUpdate(ctx, c.Tx, db.RoleUpdateParams{
				ID: id, Version: before.Version, Name: wanted.Name, Description: wanted.Description,
			})
		})
		return err
	})
	return after, err
}

// DeleteRole removes a role that nobody holds.
func (h *handlers) DeleteRole(ctx context.Context, r api.DeleteRoleRequestObject) (api.DeleteRoleResponseObject, error) {
	return api.DeleteRole204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreRole]{
		Object: "role", Lock: db.New().RoleLock, Delete: db.New().RoleDelete,
		Version: func(row db.CoreRole) int64 { return row.Version },
		Check: func(_ *change.Change, row db.CoreRole) error {
			if row.IsBuiltin {
				return builtinRole
			}
			return nil
		},
	})
}

func toAPIRole(r db.CoreRole) api.Role {
	return api.Role{ID: r.ID, Name: r.Name, Description: r.Description, Version: r.Version}
}
