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
	"chelal/internal/news"
	"chelal/internal/notice"
)

// ListRoleChangeRequests answers the own requests, to an Admin everybody's.
func (h *handlers) ListRoleChangeRequests(ctx context.Context, r api.ListRoleChangeRequestsRequestObject) (api.ListRoleChangeRequestsResponseObject, error) {
	p := r.Params
	caller := authn.PrincipalFrom(ctx)
	where := listing.RoleChangeRequestsFound(valueOr(p.Search, ""))
	if own := authz.OwnUnlessAdmin(caller); own != nil {
		where = append(where, listing.RoleChangeRequestsOf(*own))
	}
	if user := userWanted(caller, p.User); user != nil {
		where = append(where, listing.RoleChangeRequestsOf(*user))
	}
	if p.RequestedRole != nil {
		where = append(where, listing.RoleChangeRequestsFor(*p.RequestedRole))
	}
	if p.Status != nil {
		where = append(where, listing.RoleChangeRequestsIn(string(*p.Status)))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor,
		string(valueOr(p.Ordering, api.ListRoleChangeRequestsParamsOrderingMinusCreatedAt)), where)
	page, err := listing.RoleChangeRequests.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListRoleChangeRequests200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, func(row db.RoleChangeRequestListRow) api.RoleChangeRequest {
			return toAPIRoleChangeRequest(db.RoleChangeRequestGetRow(row))
		}),
	}, nil
}

// GetRoleChangeRequest answers an own request, to an Admin anybody's.
func (h *handlers) GetRoleChangeRequest(ctx context.Context, r api.GetRoleChangeRequestRequestObject) (api.GetRoleChangeRequestResponseObject, error) {
	row, err := db.New().RoleChangeRequestGet(ctx, h.DB, r.ID, authz.OwnUnlessAdmin(authn.PrincipalFrom(ctx)))
	if err != nil {
		return nil, err
	}
	return api.GetRoleChangeRequest200JSONResponse{
		Body:    toAPIRoleChangeRequest(row),
		Headers: api.GetRoleChangeRequest200ResponseHeaders{ETag: etag(row.CoreRolechangerequest.Version)},
	}, nil
}

// CreateRoleChangeRequest asks the Admins for a role for the caller.
func (h *handlers) CreateRoleChangeRequest(ctx context.Context, r api.CreateRoleChangeRequestRequestObject) (api.CreateRoleChangeRequestResponseObject, error) {
	return once(ctx, h, "createRoleChangeRequest", r.Params.IdempotencyKey,
		api.CreateRoleChangeRequestResponseObject.VisitCreateRoleChangeRequestResponse,
		func(c *change.Change) (api.CreateRoleChangeRequestResponseObject, error) {
			user, err := db.New().UserLock(ctx, c.Tx, c.Actor.UserID)
			if err != nil {
				return nil, err
			}
			made, err := requestRole(ctx, c, user.CoreUser, "requested_role", r.Body.RequestedRole, r.Body.Reason)
			if err != nil {
				return nil, err
			}
			row, err := db.New().RoleChangeRequestGet(ctx, c.Tx, made.ID, nil)
			return api.CreateRoleChangeRequest201JSONResponse{
				Body: toAPIRoleChangeRequest(row), Headers: api.CreateRoleChangeRequest201ResponseHeaders{ETag: etag(made.Version)},
			}, err
		})
}

var roleHeld = apperr.New(apperr.Conflict, "role_held", "The user holds this role already.").OnField("requested_role", "role_held")

// requestRole writes a user's request for a role down and tells the Admins. The user is
// locked; property is what the caller calls the role.
func requestRole(ctx context.Context, c *change.Change, user db.CoreUser, property string, roleID int64,
	reason string) (db.CoreRolechangerequest, error) {
	var request db.CoreRolechangerequest
	role, err := requestable(ctx, c, user, property, roleID)
	if err != nil {
		return request, err
	}
	request, err = db.New().RoleChangeRequestCreate(ctx, c.Tx, db.RoleChangeRequestCreateParams{
		UserID: user.ID, RequestedRoleID: roleID, Reason: reason, Now: c.Now,
	})
	if err != nil {
		return request, err
	}
	if err := notifyOfRequest(ctx, c, user, role); err != nil {
		return request, err
	}
	return request, c.Record(audit.Entry{Action: audit.Create, Object: "rolechangerequest", ID: request.ID, After: request})
}

// requestable returns the role with this id when the user may ask for it.
func requestable(ctx context.Context, c *change.Change, user db.CoreUser, property string, roleID int64) (db.CoreRole, error) {
	role, err := db.New().RoleGet(ctx, c.Tx, roleID)
	if isMissing(err) {
		return role, apperr.InvalidFields(noneWith(property, "role")).Because(err)
	}
	if err == nil && holds(user, roleID) {
		err = roleHeld
	}
	return role, err
}

func notifyOfRequest(ctx context.Context, c *change.Change, user db.CoreUser, role db.CoreRole) error {
	return news.Notify(ctx, c, notice.RoleRequested(nameOf(user), role.Name), news.Audience{Roles: []string{authn.RoleAdmin}}, nil)
}

// ReplaceRoleChangeRequest sets role and reason of a pending request.
func (h *handlers) ReplaceRoleChangeRequest(ctx context.Context, r api.ReplaceRoleChangeRequestRequestObject) (api.ReplaceRoleChangeRequestResponseObject, error) {
	row, err := h.changeRoleRequest(ctx, r.ID, r.Params.IfMatch, &r.Body.RequestedRole, &r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return api.ReplaceRoleChangeRequest200JSONResponse{
		Body:    toAPIRoleChangeRequest(row),
		Headers: api.ReplaceRoleChangeRequest200ResponseHeaders{ETag: etag(row.CoreRolechangerequest.Version)},
	}, nil
}

// UpdateRoleChangeRequest sets the named properties of a pending request.
func (h *handlers) UpdateRoleChangeRequest(ctx context.Context, r api.UpdateRoleChangeRequestRequestObject) (api.UpdateRoleChangeRequestResponseObject, error) {
	row, err := h.changeRoleRequest(ctx, r.ID, r.Params.IfMatch, r.Body.RequestedRole, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return api.UpdateRoleChangeRequest200JSONResponse{
		Body:    toAPIRoleChangeRequest(row),
		Headers: api.UpdateRoleChangeRequest200ResponseHeaders{ETag: etag(row.CoreRolechangerequest.Version)},
	}, nil
}

// changeRoleRequest sets what is given of a pending request that the caller may see. The
// Admins learn of another role: what they were told of is no longer what they would decide.
func (h *handlers) changeRoleRequest(ctx context.Context, id int64, ifMatch *string, roleID *int64, reason *string) (db.RoleChangeRequestGetRow, error) {
	var row db.RoleChangeRequestGetRow
	err := h.changes.Do(ctx, func(c *change.Change) error {
		user, before, err := lockRoleRequest(ctx, c, id, authz.OwnUnlessAdmin(c.Actor))
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		if err := undecided(before); err != nil {
			return err
		}
		wanted := before
		wanted.RequestedRoleID, wanted.Reason = valueOr(roleID, before.RequestedRoleID), valueOr(reason, before.Reason)
		if wanted.RequestedRoleID != before.RequestedRoleID {
			role, err := requestable(ctx, c, user, "requested_role", wanted.RequestedRoleID)
			if err != nil {
				return err
			}
			if err := notifyOfRequest(ctx, c, user, role); err != nil {
				return err
			}
		}
		_, err = change.Edit(c, audit.Entry{Object: "rolechangerequest", ID: id}, before, wanted, func() (db.CoreRolechangerequest, error) {
			return db.New().RoleChangeRequestUpdate(ctx, c.Tx, db.RoleChangeRequestUpdateParams{
				ID: id, Version: before.Version, RequestedRoleID: wanted.RequestedRoleID, Reason: wanted.Reason, Now: c.Now,
			})
		})
		if err != nil {
			return err
		}
		row, err = db.New().RoleChangeRequestGet(ctx, c.Tx, id, nil)
		return err
	})
	return row, err
}

// lockRoleRequest locks who asks and then the request, which may be another user's only
// when own is nil. In this order: an unfinished decision keeps the user from asking anew.
func lockRoleRequest(ctx context.Context, c *change.Change, id int64, own *int64) (db.CoreUser, db.CoreRolechangerequest, error) {
	seen, err := db.New().RoleChangeRequestGet(ctx, c.Tx, id, own)
	if err != nil {
		return db.CoreUser{}, db.CoreRolechangerequest{}, err
	}
	user, err := db.New().UserLock(ctx, c.Tx, seen.CoreRolechangerequest.UserID)
	if err != nil {
		return db.CoreUser{}, db.CoreRolechangerequest{}, err
	}
	request, err := db.New().RoleChangeRequestLock(ctx, c.Tx, id)
	return user.CoreUser, request, err
}

// DeleteRoleChangeRequest removes a request; what was decided by it stays.
func (h *handlers) DeleteRoleChangeRequest(ctx context.Context, r api.DeleteRoleChangeRequestRequestObject) (api.DeleteRoleChangeRequestResponseObject, error) {
	return api.DeleteRoleChangeRequest204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreRolechangerequest]{
		Object: "rolechangerequest", Lock: db.New().RoleChangeRequestLock, Delete: db.New().RoleChangeRequestDelete,
		Version: func(row db.CoreRolechangerequest) int64 { return row.Version },
	})
}

func toAPIRoleChangeRequest(row db.RoleChangeRequestGetRow) api.RoleChangeRequest {
	q := row.CoreRolechangerequest
	a := api.RoleChangeRequest{
		ID: q.ID, User: q.UserID, UserName: row.UserName, RequestedRole: q.RequestedRoleID, RequestedRoleName: row.RoleName,
		Reason: q.Reason, Status: api.RoleChangeRequestStatus(q.Status), ReviewedBy: toNullable(q.ReviewedByID),
		ReviewedByName: nullable.NewNullNullable[string](), ReviewNotes: q.ReviewNotes,
		CreatedAt: q.CreatedAt, UpdatedAt: q.UpdatedAt, Version: q.Version,
	}
	if q.ReviewedByID != nil {
		a.ReviewedByName = nullable.NewNullableWithValue(row.ReviewerName)
	}
	return a
}
