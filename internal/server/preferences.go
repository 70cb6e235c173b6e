package server

import (
	"context"
	"encoding/json"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/authn"
)

// GetPreferences answers the own language and preferences.
func (h *handlers) GetPreferences(ctx context.Context, _ api.GetPreferencesRequestObject) (api.GetPreferencesResponseObject, error) {
	row, err := db.New().UserGet(ctx, h.DB, authn.PrincipalFrom(ctx).UserID)
	if err != nil {
		return nil, err
	}
	return api.GetPreferences200JSONResponse{
		Body: toAPIPreferences(row.CoreUser), Headers: api.GetPreferences200ResponseHeaders{ETag: etag(row.CoreUser.Version)},
	}, nil
}

// ReplacePreferences sets the language, the preferences, or both.
func (h *handlers) ReplacePreferences(ctx context.Context, r api.ReplacePreferencesRequestObject) (api.ReplacePreferencesResponseObject, error) {
	row, err := h.changeProfile(ctx, r.Params.IfMatch, api.ProfilePatch{
		LanguagePreference: r.Body.LanguagePreference, Preferences: r.Body.Preferences,
	})
	if err != nil {
		return nil, err
	}
	return api.ReplacePreferences200JSONResponse{
		Body: toAPIPreferences(row.CoreUser), Headers: api.ReplacePreferences200ResponseHeaders{ETag: etag(row.CoreUser.Version)},
	}, nil
}

func toAPIPreferences(u db.CoreUser) api.Preferences {
	return api.Preferences{LanguagePreference: api.Language(u.LanguagePreference), Preferences: preferencesOf(u)}
}

// preferencesOf reads the stored preferences; what is not an object answers as an empty one.
func preferencesOf(u db.CoreUser) map[string]any {
	preferences := map[string]any{}
	_ = json.Unmarshal(u.Preferences, &preferences)
	if preferences == nil { // null
		preferences = map[string]any{}
	}
	return preferences
}
