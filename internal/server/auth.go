package server

import (
	"context"
	"errors"
	"strings"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/change"
)

var invalidCredentials = apperr.New(apperr.Unauthenticated, "invalid_credentials",
	"No active account found with the given credentials.")

// SignIn begins a session for whoever knows the password and, where there is one, has the
// second factor. An unknown name, a wrong password and a deactivated account answer alike
// and cost the same.
func (h *handlers) SignIn(ctx context.Context, r api.SignInRequestObject) (api.SignInResponseObject, error) {
	attempt, err := h.beginAttempt(ctx, strings.ToLower(r.Body.Username))
	if err != nil {
		return nil, err
	}
	row, fresh, err := h.checkCredentials(ctx, r.Body.Username, r.Body.Password)
	user := row.CoreUser
	var known *int64
	if user.ID != 0 {
		known = &user.ID
	}
	if err != nil {
		return nil, h.decideAttempt(ctx, attempt, known, err)
	}
	if err := h.admitCode(ctx, attempt, user, valueOr(r.Body.Otp, "")); err != nil {
		return nil, err
	}
	var pair api.TokenPair
	err = h.changes.Do(ctx, func(c *change.Change) error {
		after, err := db.New().UserSignedIn(ctx, c.Tx, db.UserSignedInParams{
			ID: user.ID, Now: c.Now, Password: fresh, Verified: user.Password,
		})
		if isMissing(err) {
			return invalidCredentials
		}
		if err != nil {
			return err
		}
		if err := h.checkSecondFactor(ctx, c, after, valueOr(r.Body.Otp, "")); err != nil {
			return err
		}
		row.CoreUser = after
		pair, err = h.beginSession(ctx, c, after, attempt)
		return err
	})
	if err != nil {
		return nil, h.decideAttempt(ctx, attempt, known, err)
	}
	return api.SignIn200JSONResponse{Access: pair.Access, Refresh: pair.Refresh, User: h.toAPIUser(ctx, db.UserListRow(row), true)}, nil
}

// checkCredentials returns the active account of this name and password, and the hash to
// store of the password from now on. Whatever is wrong is the same invalidCredentials;
// the account, where there is one, is returned all the same.
func (h *handlers) checkCredentials(ctx context.Context, name, password string) (row db.UserByLoginRow, fresh string, err error) {
	row, err = db.New().UserByLogin(ctx, h.DB, name)
	if err != nil && !isMissing(err) {
		return row, "", err
	}
	forms, err := db.New().PasswordForms(ctx, h.DB)
	if err != nil {
		return row, "", err
	}
	stored := row.CoreUser.Password
	if !row.CoreUser.IsActive { // nor is nobody
		stored = authn.Unusable
	}
	ok, rehash, err := h.Hasher.Verify(ctx, stored, password, forms...)
	switch {
	case err != nil:
		return row, "", err
	case !ok:
		return row, "", invalidCredentials
	case rehash:
		fresh, err = h.Hasher.Hash(ctx, password)
		return row, fresh, err
	}
	return row, stored, nil
}

// SignOut ends the session of the access token.
func (h *handlers) SignOut(ctx context.Context, r api.SignOutRequestObject) (api.SignOutResponseObject, error) {
	return once(ctx, h, "signOut", r.Params.IdempotencyKey, api.SignOutResponseObject.VisitSignOutResponse,
		func(c *change.Change) (api.SignOutResponseObject, error) {
			if _, err := db.New().SessionRevoke(ctx, c.Tx, c.Now, c.Actor.Session); err != nil {
				return nil, err
			}
			return api.SignOut204Response{}, c.Record(audit.Entry{Action: audit.Logout, Object: "user", ID: c.Actor.UserID})
		})
}

// ChangePassword sets the own password, ends every session and begins a new one.
func (h *handlers) ChangePassword(ctx context.Context, r api.ChangePasswordRequestObject) (api.ChangePasswordResponseObject, error) {
	row, err := db.New().UserGet(ctx, h.DB, authn.PrincipalFrom(ctx).UserID)
	if err != nil {
		return nil, err
	}
	before := row.CoreUser
	// The rules come before the attempt: a weak new password is no failed guess.
	hash, err := h.newPassword(ctx, "new_password", r.Body.NewPassword, before)
	if err != nil {
		return nil, err
	}
	attempt, err := h.verifyOwn(ctx, before, "current_password", r.Body.CurrentPassword, valueOr(r.Body.Otp, ""))
	if err != nil {
		return nil, err
	}
	var pair api.TokenPair
	err = h.changes.Do(ctx, func(c *change.Change) error {
		row.CoreUser, err = db.New().UserPassword(ctx, c.Tx, db.UserPasswordParams{ID: before.ID, Password: hash, Verified: before.Password})
		if isMissing(err) {
			return wrongPassword("current_password")
		}
		if err != nil {
			return err
		}
		if err := h.checkSecondFactor(ctx, c, row.CoreUser, valueOr(r.Body.Otp, "")); err != nil {
			return err
		}
		if _, err := db.New().SessionRevokeAll(ctx, c.Tx, c.Now, before.ID); err != nil {
			return err
		}
		if err := c.Record(audit.Entry{Action: audit.Edit, Object: "user", ID: before.ID, Description: "Password changed",
			Before: before, After: row.CoreUser}); err != nil {
			return err
		}
		pair, err = h.beginSession(ctx, c, row.CoreUser, attempt)
		return err
	})
	if err != nil {
		return nil, onOTP(h.decideAttempt(ctx, attempt, &before.ID, err))
	}
	return api.ChangePassword200JSONResponse{
		Access: pair.Access, Refresh: pair.Refresh, User: h.toAPIUser(ctx, db.UserListRow(row), true),
	}, nil
}

// verifyOwn checks the password of somebody who is signed in, and admits the code of the
// second factor, under the limits of signing in: a stolen token must not serve for guessing.
func (h *handlers) verifyOwn(ctx context.Context, u db.CoreUser, field, password, otp string) (attempt int64, err error) {
	if attempt, err = h.beginAttempt(ctx, strings.ToLower(u.Username)); err != nil {
		return 0, err
	}
	ok, _, err := h.Hasher.Verify(ctx, u.Password, password)
	if err != nil {
		return 0, err
	}
	if ok {
		return attempt, h.admitCode(ctx, attempt, u, otp)
	}
	if err := h.decideAttempt(ctx, attempt, &u.ID, invalidCredentials); !errors.Is(err, invalidCredentials) {
		return 0, err
	}
	return 0, wrongPassword(field)
}

func wrongPassword(field string) error {
	return apperr.InvalidFields(apperr.Field{Name: field, Code: "wrong_password", Message: "This is not the current password."})
}

// newPassword checks a new password against the rules and hashes it. It is called
// outside transactions: a hash takes as long as many statements.
func (h *handlers) newPassword(ctx context.Context, field, password string, u db.CoreUser) (string, error) {
	broken := authn.CheckPassword(password, authn.Person{
		Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Email: valueOr(u.Email, ""),
	})
	for i := range broken {
		broken[i].Name = field
	}
	if len(broken) > 0 {
		return "", apperr.InvalidFields(broken...)
	}
	return h.Hasher.Hash(ctx, password)
}
