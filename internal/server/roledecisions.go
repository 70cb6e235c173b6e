package server

import (
	"context"
	"slices"
	"strings"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/news"
	"chelal/internal/notice"
	"chelal/internal/pg"
)

// ApproveRoleChangeRequest gives who asked the role, once.
func (h *handlers) ApproveRoleChangeRequest(ctx context.Context, r api.ApproveRoleChangeRequestRequestObject) (api.ApproveRoleChangeRequestResponseObject, error) {
	return once(ctx, h, "approveRoleChangeRequest", r.Params.IdempotencyKey,
		api.ApproveRoleChangeRequestResponseObject.VisitApproveRoleChangeRequestResponse,
		func(c *change.Change) (api.ApproveRoleChangeRequestResponseObject, error) {
			row, err := decide(ctx, c, r.ID, r.Params.IfMatch, api.RoleChangeRequestStatusApproved, valueOr(r.Body, api.RoleChangeReview{}))
			return api.ApproveRoleChangeRequest200JSONResponse{
				Body:    toAPIRoleChangeRequest(row),
				Headers: api.ApproveRoleChangeRequest200ResponseHeaders{ETag: etag(row.CoreRolechangerequest.Version)},
			}, err
		})
}

// RejectRoleChangeRequest leaves who asked the role that they have.
func (h *handlers) RejectRoleChangeRequest(ctx context.Context, r api.RejectRoleChangeRequestRequestObject) (api.RejectRoleChangeRequestResponseObject, error) {
	return once(ctx, h, "rejectRoleChangeRequest", r.Params.IdempotencyKey,
		api.RejectRoleChangeRequestResponseObject.VisitRejectRoleChangeRequestResponse,
		func(c *change.Change) (api.RejectRoleChangeRequestResponseObject, error) {
			row, err := decide(ctx, c, r.ID, r.Params.IfMatch, api.RoleChangeRequestStatusRejected, valueOr(r.Body, api.RoleChangeReview{}))
			return api.RejectRoleChangeRequest200JSONResponse{
				Body:    toAPIRoleChangeRequest(row),
				Headers: api.RejectRoleChangeRequest200ResponseHeaders{ETag: etag(row.CoreRolechangerequest.Version)},
			}, err
		})
}

// AssignRole gives a user a role that nobody has asked for.
func (h *handlers) AssignRole(ctx context.Context, r api.AssignRoleRequestObject) (api.AssignRoleResponseObject, error) {
	return once(ctx, h, "assignRole", r.Params.IdempotencyKey, api.AssignRoleResponseObject.VisitAssignRoleResponse,
		func(c *change.Change) (api.AssignRoleResponseObject, error) {
			admins, err := lockDeciders(ctx, c)
			if err != nil {
				return nil, err
			}
			user, role, err := lockAssigned(ctx, c, *r.Body)
			if err != nil {
				return nil, err
			}
			done := api.AssignRole200JSONResponse{Message: "Role assigned successfully to " + user.Username}
			if holds(user, role.ID) {
				return done, nil
			}
			if err := setRole(ctx, c, admins, user, role, audit.RoleDecision); err != nil {
				return nil, err
			}
			return done, news.Notify(ctx, c, notice.RoleAssigned(role.Name), news.Audience{Users: []int64{user.ID}}, nil)
		})
}

var alreadyDecided = apperr.New(apperr.Conflict, "already_decided", "This request has been decided already.")

// undecided returns nil when a request, which is locked, is still pending.
func undecided(q db.CoreRolechangerequest) error {
	if q.Status != string(api.RoleChangeRequestStatusPending) {
		return alreadyDecided
	}
	return nil
}

// decide approves or rejects a pending request of somebody else, and tells them.
func decide(ctx context.Context, c *change.Change, id int64, ifMatch *string, status api.RoleChangeRequestStatus,
	review api.RoleChangeReview) (db.RoleChangeRequestGetRow, error) {
	var row db.RoleChangeRequestGetRow
	admins, err := lockDeciders(ctx, c)
	if err != nil {
		return row, err
	}
	user, before, err := lockRoleRequest(ctx, c, id, nil)
	if err != nil {
		return row, err
	}
	if err := decidable(c, ifMatch, before); err != nil {
		return row, err
	}
	notes := valueOr(review.ReviewNotes, "")
	after, err := db.New().RoleChangeRequestDecide(ctx, c.Tx, db.RoleChangeRequestDecideParams{
		ID: id, Status: string(status), ReviewedByID: c.Actor.UserID, ReviewNotes: notes, Now: c.Now,
	})
	if err != nil {
		return row, err
	}
	if row, err = db.New().RoleChangeRequestGet(ctx, c.Tx, id, nil); err != nil {
		return row, err
	}
	told := notice.RoleRejected(row.RoleName, notes)
	if status == api.RoleChangeRequestStatusApproved {
		told = notice.RoleApproved(row.RoleName, notes)
		role := db.CoreRole{ID: after.RequestedRoleID, Name: row.RoleName}
		if err := setRole(ctx, c, admins, user, role, audit.Edit); err != nil {
			return row, err
		}
	}
	if err := news.Notify(ctx, c, told, news.Audience{Users: []int64{user.ID}}, nil); err != nil {
		return row, err
	}
	return row, c.Record(audit.Entry{Action: audit.RoleDecision, Object: "rolechangerequest", ID: id,
		Description: "Role request " + string(status), Before: before, After: after})
}

func decidable(c *change.Change, ifMatch *string, q db.CoreRolechangerequest) error {
	if q.UserID == c.Actor.UserID {
		return pg.OwnRequest
	}
	if err := undecided(q); err != nil {
		return err
	}
	return checkMatch(ifMatch, q.Version)
}

// lockDeciders locks the active Admins, before any other user, and returns them. An Admin
// who ceased to be one while waiting is refused.
func lockDeciders(ctx context.Context, c *change.Change) ([]int64, error) {
	admins, err := db.New().AdminLock(ctx, c.Tx)
	if err == nil && !slices.Contains(admins, c.Actor.UserID) {
		err = authz.Refusal
	}
	return admins, err
}

// lockAssigned locks the user who is to have a role, and finds the role.
func lockAssigned(ctx context.Context, c *change.Change, body api.RoleAssignment) (db.CoreUser, db.CoreRole, error) {
	var wrong []apperr.Field
	user, err := db.New().UserLock(ctx, c.Tx, body.UserID)
	if err != nil && !isMissing(err) {
		return db.CoreUser{}, db.CoreRole{}, err
	}
	if isMissing(err) {
		wrong = append(wrong, noneWith("user_id", "user"))
	}
	role, err := db.New().RoleGet(ctx, c.Tx, body.RoleID)
	if err != nil && !isMissing(err) {
		return db.CoreUser{}, db.CoreRole{}, err
	}
	if isMissing(err) {
		wrong = append(wrong, noneWith("role_id", "role"))
	}
	if len(wrong) > 0 {
		return db.CoreUser{}, db.CoreRole{}, apperr.InvalidFields(wrong...)
	}
	return user.CoreUser, role, nil
}

// noneWith says that a property names what does not exist.
func noneWith(property, what string) apperr.Field {
	return apperr.Field{Name: property, Code: "does_not_exist", Message: "There is no " + what + " with this id."}
}

// setRole gives a user a role, unless they have it; user and Admins are locked. It leaves
// one Admin.
func setRole(ctx context.Context, c *change.Change, admins []int64, user db.CoreUser, role db.CoreRole, action string) error {
	switch {
	case holds(user, role.ID):
		return nil
	case slices.Equal(admins, []int64{user.ID}):
		return lastAdmin
	}
	after, err := db.New().UserAssignRole(ctx, c.Tx, role.ID, user.ID)
	if err != nil {
		return err
	}
	return c.Record(audit.Entry{Action: action, Object: "user", ID: user.ID,
		Description: "Role assigned: " + role.Name, Before: user, After: after})
}

func holds(u db.CoreUser, roleID int64) bool { return valueOr(u.RoleID, 0) == roleID }

// nameOf is how a user is called: by the names, without any by the username.
func nameOf(u db.CoreUser) string {
	if name := strings.TrimSpace(u.FirstName + " " + u.LastName); name != "" {
		return name
	}
	return u.Username
}
