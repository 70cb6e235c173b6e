package server

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/oapi-codegen/nullable"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/listing"
	"chelal/internal/picture"
)

// ListUsers answers users to staff; only an Admin sees all of each.
func (h *handlers) ListUsers(ctx context.Context, r api.ListUsersRequestObject) (api.ListUsersResponseObject, error) {
	p := r.Params
	where := listing.UsersNamed(valueOr(p.Search, ""))
	if p.Role != nil {
		where = append(where, listing.UsersOfRole(*p.Role))
	}
	if p.IsActive != nil {
		where = append(where, listing.UsersActive(*p.IsActive))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListUsersParamsOrderingID)), where)
	page, err := listing.Users.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListUsers200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: convert(page.Rows, func(u db.UserListRow) api.User { return h.toAPIUser(ctx, u, seesAll(ctx, u)) }),
	}, nil
}

// GetUser answers one user to staff.
func (h *handlers) GetUser(ctx context.Context, r api.GetUserRequestObject) (api.GetUserResponseObject, error) {
	row, err := db.New().UserGet(ctx, h.DB, r.ID)
	if err != nil {
		return nil, err
	}
	u := db.UserListRow(row)
	return api.GetUser200JSONResponse{
		Body: h.toAPIUser(ctx, u, seesAll(ctx, u)), Headers: api.GetUser200ResponseHeaders{ETag: etag(u.CoreUser.Version)},
	}, nil
}

// GetCurrentUser answers the own account.
func (h *handlers) GetCurrentUser(ctx context.Context, _ api.GetCurrentUserRequestObject) (api.GetCurrentUserResponseObject, error) {
	row, err := db.New().UserGet(ctx, h.DB, authn.PrincipalFrom(ctx).UserID)
	if err != nil {
		return nil, err
	}
	return api.GetCurrentUser200JSONResponse{
		Body: h.toAPIUser(ctx, db.UserListRow(row), true), Headers: api.GetCurrentUser200ResponseHeaders{ETag: etag(row.CoreUser.Version)},
	}, nil
}

// CreateUser adds an account. Its first password, if any, is good for one sign-in.
func (h *handlers) CreateUser(ctx context.Context, r api.CreateUserRequestObject) (api.CreateUserResponseObject, error) {
	after := db.CoreUser{IsActive: true, LanguagePreference: string(api.LanguageEn), Preferences: []byte("{}"), Password: authn.Unusable}
	if err := checkPreferences(r.Body.Preferences); err != nil {
		return nil, err
	}
	if err := h.applyUser(ctx, &after, replacement(*r.Body)); err != nil {
		return nil, err
	}
	return once(ctx, h, "createUser", r.Params.IdempotencyKey, api.CreateUserResponseObject.VisitCreateUserResponse,
		func(c *change.Change) (api.CreateUserResponseObject, error) {
			row, err := db.New().UserCreate(ctx, c.Tx, db.UserCreateParams{
				Username: after.Username, Email: after.Email, FirstName: after.FirstName, LastName: after.LastName,
				RoleID: after.RoleID, IsActive: after.IsActive, LanguagePreference: after.LanguagePreference,
				Preferences: after.Preferences, Password: after.Password,
				PasswordChangeRequired: after.PasswordChangeRequired, DateJoined: c.Now,
			})
			if err != nil {
				return nil, err
			}
			if err := c.Record(audit.Entry{Action: audit.Create, Object: "user", ID: row.ID, After: row}); err != nil {
				return nil, err
			}
			full, err := db.New().UserGet(ctx, c.Tx, row.ID)
			if err != nil {
				return nil, err
			}
			return api.CreateUser201JSONResponse{
				Body: h.toAPIUser(ctx, db.UserListRow(full), true), Headers: api.CreateUser201ResponseHeaders{ETag: etag(row.Version)},
			}, nil
		})
}

// ReplaceUser sets every writable property of an account; without a password it stays.
func (h *handlers) ReplaceUser(ctx context.Context, r api.ReplaceUserRequestObject) (api.ReplaceUserResponseObject, error) {
	row, err := h.changeUser(ctx, r.ID, r.Params.IfMatch, replacement(*r.Body))
	if err != nil {
		return nil, err
	}
	return api.ReplaceUser200JSONResponse{
		Body: h.toAPIUser(ctx, row, true), Headers: api.ReplaceUser200ResponseHeaders{ETag: etag(row.CoreUser.Version)},
	}, nil
}

// UpdateUser sets the named properties of an account.
func (h *handlers) UpdateUser(ctx context.Context, r api.UpdateUserRequestObject) (api.UpdateUserResponseObject, error) {
	row, err := h.changeUser(ctx, r.ID, r.Params.IfMatch, *r.Body)
	if err != nil {
		return nil, err
	}
	return api.UpdateUser200JSONResponse{
		Body: h.toAPIUser(ctx, row, true), Headers: api.UpdateUser200ResponseHeaders{ETag: etag(row.CoreUser.Version)},
	}, nil
}

var lastAdmin = apperr.New(apperr.Conflict, "last_admin",
	"This is the last active Admin. Make somebody else an Admin first.")

// changeUser applies a patch to an account. A new password and a deactivation end the
// sessions of the account.
func (h *handlers) changeUser(ctx context.Context, id int64, ifMatch *string, patch api.UserPatch) (db.UserListRow, error) {
	if err := checkPreferences(patch.Preferences); err != nil {
		return db.UserListRow{}, err
	}
	hashed, err := h.hashFor(ctx, id, patch)
	if err != nil {
		return db.UserListRow{}, err
	}
	var result db.UserListRow
	err = h.changes.Do(ctx, func(c *change.Change) error {
		q := db.New()
		admins, err := q.AdminLock(ctx, c.Tx)
		if err != nil {
			return err
		}
		locked, err := q.UserLock(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		before := locked.CoreUser
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		after := before
		apply(&after, patch)
		if hashed != "" {
			after.Password, after.PasswordChangeRequired = hashed, true
		}
		stays := after.IsActive && valueOr(after.RoleID, 0) == valueOr(before.RoleID, 0)
		if !stays && slices.Equal(admins, []int64{id}) {
			return lastAdmin
		}
		if _, err := change.Edit(c, audit.Entry{Object: "user", ID: id}, before, after, func() (db.CoreUser, error) {
			return q.UserUpdate(ctx, c.Tx, db.UserUpdateParams{
				ID: id, Version: before.Version, Username: after.Username, Email: after.Email, FirstName: after.FirstName,
				LastName: after.LastName, RoleID: after.RoleID, IsActive: after.IsActive,
				LanguagePreference: after.LanguagePreference, Preferences: after.Preferences, Password: after.Password,
				PasswordChangeRequired: after.PasswordChangeRequired,
			})
		}); err != nil {
			return err
		}
		if hashed != "" || !after.IsActive {
			if _, err := q.SessionRevokeAll(ctx, c.Tx, c.Now, id); err != nil {
				return err
			}
		}
		row, err := q.UserGet(ctx, c.Tx, id)
		result = db.UserListRow(row)
		return err
	})
	return result, err
}

// hashFor hashes the patch's password, if it has one, before the account is locked. The
// rules about names are judged by the names as they stand.
func (h *handlers) hashFor(ctx context.Context, id int64, patch api.UserPatch) (string, error) {
	if patch.Password == nil {
		return "", nil
	}
	row, err := db.New().UserGet(ctx, h.DB, id)
	if err != nil {
		return "", err
	}
	after := row.CoreUser
	apply(&after, patch)
	return h.newPassword(ctx, "password", *patch.Password, after)
}

// DeleteUser removes an account that no record of care refers to.
func (h *handlers) DeleteUser(ctx context.Context, r api.DeleteUserRequestObject) (api.DeleteUserResponseObject, error) {
	var admins []int64 // locked before the user, as everywhere
	return api.DeleteUser204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreUser]{
		Object: "user",
		Lock: func(ctx context.Context, conn db.DBTX, id int64) (_ db.CoreUser, err error) {
			if admins, err = db.New().AdminLock(ctx, conn); err != nil {
				return db.CoreUser{}, err
			}
			row, err := db.New().UserLock(ctx, conn, id)
			return row.CoreUser, err
		},
		Delete:  db.New().UserDelete,
		Version: func(u db.CoreUser) int64 { return u.Version },
		Check: func(c *change.Change, u db.CoreUser) error {
			if slices.Equal(admins, []int64{r.ID}) {
				return lastAdmin
			}
			if u.ProfileImage != nil {
				return picture.RemoveLater(ctx, c, *u.ProfileImage, c.Now)
			}
			return nil
		},
	})
}

// applyUser applies a patch, its password hashed, to an account that is being made.
func (h *handlers) applyUser(ctx context.Context, u *db.CoreUser, patch api.UserPatch) error {
	apply(u, patch)
	if patch.Password == nil {
		return nil
	}
	var err error
	u.PasswordChangeRequired = true
	u.Password, err = h.newPassword(ctx, "password", *patch.Password, *u)
	return err
}

func apply(u *db.CoreUser, patch api.UserPatch) {
	u.Username = valueOr(patch.Username, u.Username)
	if patch.Email != nil {
		u.Email = emailOf(*patch.Email)
	}
	u.FirstName = valueOr(patch.FirstName, u.FirstName)
	u.LastName = valueOr(patch.LastName, u.LastName)
	if patch.RoleID.IsSpecified() {
		u.RoleID = fromNullable(patch.RoleID)
	}
	u.IsActive = valueOr(patch.IsActive, u.IsActive)
	u.LanguagePreference = string(valueOr(patch.LanguagePreference, api.Language(u.LanguagePreference)))
	if patch.Preferences != nil {
		if text, err := json.Marshal(patch.Preferences); err == nil { // it was JSON a moment ago
			u.Preferences = text
		}
	}
}

// replacement is a patch that names every property: what is left out has its default.
func replacement(w api.UserWrite) api.UserPatch {
	role := w.RoleID
	if !role.IsSpecified() {
		role = nullable.NewNullNullable[int64]()
	}
	preferences := w.Preferences
	if preferences == nil {
		preferences = map[string]any{}
	}
	return api.UserPatch{
		Username: &w.Username, Email: new(valueOr(w.Email, "")), FirstName: new(valueOr(w.FirstName, "")),
		LastName: new(valueOr(w.LastName, "")), RoleID: role, IsActive: new(valueOr(w.IsActive, true)),
		LanguagePreference: new(valueOr(w.LanguagePreference, api.LanguageEn)), Preferences: preferences, Password: w.Password,
	}
}

// emailOf is how an e-mail address is stored: absent, or as it was given.
func emailOf(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// seesAll reports whether the caller may see all of a user: an Admin of everybody,
// anyone of themselves.
func seesAll(ctx context.Context, u db.UserListRow) bool {
	p := authn.PrincipalFrom(ctx)
	return p.Role == authn.RoleAdmin || p.UserID == u.CoreUser.ID
}

func (h *handlers) toAPIUser(ctx context.Context, row db.UserListRow, all bool) api.User {
	u := row.CoreUser
	a := api.User{
		ID: u.ID, Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, IsActive: u.IsActive,
		Version: u.Version, Role: nullable.NewNullNullable[api.Role](),
	}
	if row.RID != nil {
		a.Role = nullable.NewNullableWithValue(api.Role{
			ID: *row.RID, Name: *row.RName, Description: *row.RDescription, Version: *row.RVersion,
		})
	}
	if !all {
		return a
	}
	a.Email = new(valueOr(u.Email, ""))
	a.LanguagePreference = new(api.Language(u.LanguagePreference))
	a.Preferences = new(preferencesOf(u))
	a.ProfileImage = h.pictureLink(ctx, u.ProfileImage)
	a.TwoFactorEnabled = &u.TwoFactorEnabled
	a.DateJoined = &u.DateJoined
	a.LastLogin = toNullable(u.LastLogin)
	a.PasswordChangeRequired = &u.PasswordChangeRequired
	return a
}
