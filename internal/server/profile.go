package server

import (
	"context"
	"encoding/json"

	"github.com/oapi-codegen/nullable"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/picture"
)

// GetProfile answers the own account.
func (h *handlers) GetProfile(ctx context.Context, _ api.GetProfileRequestObject) (api.GetProfileResponseObject, error) {
	row, err := db.New().UserGet(ctx, h.DB, authn.PrincipalFrom(ctx).UserID)
	if err != nil {
		return nil, err
	}
	return api.GetProfile200JSONResponse{
		Body: h.toAPIUser(ctx, db.UserListRow(row), true), Headers: api.GetProfile200ResponseHeaders{ETag: etag(row.CoreUser.Version)},
	}, nil
}

// ReplaceProfile does what UpdateProfile does: existing front ends PUT a part.
func (h *handlers) ReplaceProfile(ctx context.Context, r api.ReplaceProfileRequestObject) (api.ReplaceProfileResponseObject, error) {
	row, err := h.changeProfile(ctx, r.Params.IfMatch, *r.JSONBody)
	if err != nil {
		return nil, err
	}
	return api.ReplaceProfile200JSONResponse{
		Body: h.toAPIUser(ctx, row, true), Headers: api.ReplaceProfile200ResponseHeaders{ETag: etag(row.CoreUser.Version)},
	}, nil
}

// UpdateProfile sets the named properties of the own account. An uploaded picture has
// come with the context.
func (h *handlers) UpdateProfile(ctx context.Context, r api.UpdateProfileRequestObject) (api.UpdateProfileResponseObject, error) {
	row, err := h.changeProfile(ctx, r.Params.IfMatch, *r.JSONBody)
	if err != nil {
		return nil, err
	}
	return api.UpdateProfile200JSONResponse{
		Body: h.toAPIUser(ctx, row, true), Headers: api.UpdateProfile200ResponseHeaders{ETag: etag(row.CoreUser.Version)},
	}, nil
}

// changeProfile applies a patch to the own account. A new picture is stored before and
// its predecessor removed after the change is committed.
func (h *handlers) changeProfile(ctx context.Context, ifMatch *string, patch api.ProfilePatch) (db.UserListRow, error) {
	if err := checkPreferences(patch.Preferences); err != nil {
		return db.UserListRow{}, err
	}
	uploaded, err := h.keepUpload(ctx)
	if err != nil {
		return db.UserListRow{}, err
	}
	if uploaded != "" {
		patch.ProfileImage = nullable.NewNullableWithValue(uploaded)
	}
	var row db.UserListRow
	err = h.changes.Do(ctx, func(c *change.Change) error {
		locked, err := db.New().UserLock(ctx, c.Tx, c.Actor.UserID)
		if err != nil {
			return err
		}
		row = db.UserListRow(locked)
		before := row.CoreUser
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		wanted := before
		applyProfile(&wanted, patch)
		row.CoreUser, err = change.Edit(c, audit.Entry{Object: "user", ID: before.ID, Description: "Profile changed"}, before, wanted,
			func() (db.CoreUser, error) { return h.writeProfile(ctx, c, before, wanted) })
		return err
	})
	return row, err
}

func (h *handlers) writeProfile(ctx context.Context, c *change.Change, before, wanted db.CoreUser) (db.CoreUser, error) {
	if gone := before.ProfileImage; gone != nil && *gone != valueOr(wanted.ProfileImage, "") {
		if err := picture.RemoveLater(ctx, c, *gone, c.Now); err != nil {
			return before, err
		}
	}
	return db.New().ProfileUpdate(ctx, c.Tx, db.ProfileUpdateParams{
		ID: before.ID, Version: before.Version, Email: wanted.Email, FirstName: wanted.FirstName, LastName: wanted.LastName,
		LanguagePreference: wanted.LanguagePreference, Preferences: wanted.Preferences, ProfileImage: wanted.ProfileImage,
	})
}

// applyProfile applies what users may change of themselves, and nothing else.
func applyProfile(u *db.CoreUser, patch api.ProfilePatch) {
	apply(u, api.UserPatch{
		FirstName: patch.FirstName, LastName: patch.LastName, Email: patch.Email,
		LanguagePreference: patch.LanguagePreference, Preferences: patch.Preferences,
	})
	if patch.ProfileImage.IsSpecified() {
		u.ProfileImage = fromNullable(patch.ProfileImage)
		if valueOr(u.ProfileImage, "") == "" {
			u.ProfileImage = nil
		}
	}
}

// maxPreferences is how long preferences may be as JSON.
const maxPreferences = 16 << 10

func checkPreferences(preferences map[string]any) error {
	text, err := json.Marshal(preferences)
	if err == nil && len(text) > maxPreferences {
		err = apperr.InvalidFields(apperr.Field{Name: "preferences", Code: "too_large", Message: "Preferences take at most 16 KiB."})
	}
	return err
}
