package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/setting"
)

var registrationDisabled = apperr.New(apperr.Forbidden, "registration_disabled",
	"Registration is switched off. Ask an administrator for an account.")

// Register makes an account without a role. The role that it asks for becomes a request
// that an Admin decides: letting the caller choose would make anyone an Admin.
func (h *handlers) Register(ctx context.Context, r api.RegisterRequestObject) (api.RegisterResponseObject, error) {
	enabled, err := db.New().SettingGet(ctx, h.DB, setting.RegistrationEnabled)
	if err != nil && !isMissing(err) {
		return nil, err
	}
	if !setting.On(enabled, true) {
		return nil, registrationDisabled
	}
	user := db.UserCreateParams{
		Username: r.Body.Username, Email: emailOf(valueOr(r.Body.Email, "")),
		FirstName: valueOr(r.Body.FirstName, ""), LastName: valueOr(r.Body.LastName, ""),
		IsActive: true, LanguagePreference: string(api.LanguageEn), Preferences: []byte("{}"),
	}
	user.Password, err = h.newPassword(ctx, "password", r.Body.Password, db.CoreUser{
		Username: user.Username, Email: user.Email, FirstName: user.FirstName, LastName: user.LastName,
	})
	if err != nil {
		return nil, err
	}
	return once(ctx, h, "register", r.Params.IdempotencyKey, api.RegisterResponseObject.VisitRegisterResponse,
		func(c *change.Change) (api.RegisterResponseObject, error) {
			user.DateJoined = c.Now
			row, err := db.New().UserCreate(ctx, c.Tx, user)
			if err != nil {
				return nil, err
			}
			c.Actor.UserID, c.Actor.Username = row.ID, row.Username
			if err := c.Record(audit.Entry{Action: audit.Create, Object: "user", ID: row.ID, Description: "Registered", After: row}); err != nil {
				return nil, err
			}
			if role := fromNullable(r.Body.RoleID); role != nil {
				if _, err := requestRole(ctx, c, row, "role_id", *role, valueOr(r.Body.Reason, "")); err != nil {
					return nil, err
				}
			}
			return api.Register201JSONResponse{
				User: h.toAPIUser(ctx, db.UserListRow{CoreUser: row}, true), Message: "User registered successfully",
			}, nil
		})
}
