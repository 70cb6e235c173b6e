package server

import (
	"context"

	"github.com/jackc/pgx/v5"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/listing"
	"chelal/internal/setting"
)

// ListSystemSettings answers the settings.
func (h *handlers) ListSystemSettings(ctx context.Context, r api.ListSystemSettingsRequestObject) (api.ListSystemSettingsResponseObject, error) {
	p := r.Params
	where := listing.SystemSettingsFound(valueOr(p.Search, ""))
	if p.Category != nil {
		where = append(where, listing.SystemSettingsOf(*p.Category))
	}
	if p.IsPublic != nil {
		where = append(where, listing.SystemSettingsPublic(*p.IsPublic))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListSystemSettingsParamsOrderingKey)), where)
	page, err := listing.SystemSettings.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListSystemSettings200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPISystemSetting),
	}, nil
}

// GetSystemSetting answers one setting.
func (h *handlers) GetSystemSetting(ctx context.Context, r api.GetSystemSettingRequestObject) (api.GetSystemSettingResponseObject, error) {
	row, err := db.New().SystemSettingGet(ctx, h.DB, r.ID)
	if err != nil {
		return nil, err
	}
	return api.GetSystemSetting200JSONResponse{
		Body: toAPISystemSetting(row), Headers: api.GetSystemSetting200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// GetPublicSettings answers to anyone what the hospital lets everybody know.
func (h *handlers) GetPublicSettings(ctx context.Context, _ api.GetPublicSettingsRequestObject) (api.GetPublicSettingsResponseObject, error) {
	rows, err := db.New().SettingsPublic(ctx, h.DB)
	values := api.GetPublicSettings200JSONResponse{}
	for _, row := range rows {
		values[row.Key] = row.Value
	}
	return values, err
}

// CreateSystemSetting adds a setting.
func (h *handlers) CreateSystemSetting(ctx context.Context, r api.CreateSystemSettingRequestObject) (api.CreateSystemSettingResponseObject, error) {
	return once(ctx, h, "createSystemSetting", r.Params.IdempotencyKey, api.CreateSystemSettingResponseObject.VisitCreateSystemSettingResponse,
		func(c *change.Change) (api.CreateSystemSettingResponseObject, error) {
			var s db.CoreSystemsetting
			replaceSystemSetting(&s, *r.Body)
			locked, err := lockSettings(ctx, c.Tx, s)
			if err != nil {
				return nil, err
			}
			if err := checkSetting(s, locked); err != nil {
				return nil, err
			}
			row, err := db.New().SystemSettingCreate(ctx, c.Tx, db.SystemSettingCreateParams{
				Key: s.Key, Value: s.Value, Description: s.Description, Category: s.Category, IsPublic: s.IsPublic, Now: c.Now,
			})
			if err != nil {
				return nil, err
			}
			return api.CreateSystemSetting201JSONResponse{
				Body: toAPISystemSetting(row), Headers: api.CreateSystemSetting201ResponseHeaders{ETag: etag(row.Version)},
			}, c.Record(audit.Entry{Action: audit.Create, Object: "systemsetting", ID: row.ID, After: row})
		})
}

// ReplaceSystemSetting sets every writable property of a setting.
func (h *handlers) ReplaceSystemSetting(ctx context.Context, r api.ReplaceSystemSettingRequestObject) (api.ReplaceSystemSettingResponseObject, error) {
	row, err := h.changeSetting(ctx, r.ID, r.Params.IfMatch, func(s *db.CoreSystemsetting) { replaceSystemSetting(s, *r.Body) })
	if err != nil {
		return nil, err
	}
	return api.ReplaceSystemSetting200JSONResponse{
		Body: toAPISystemSetting(row), Headers: api.ReplaceSystemSetting200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// UpdateSystemSetting sets the named properties of a setting.
func (h *handlers) UpdateSystemSetting(ctx context.Context, r api.UpdateSystemSettingRequestObject) (api.UpdateSystemSettingResponseObject, error) {
	row, err := h.changeSetting(ctx, r.ID, r.Params.IfMatch, func(s *db.CoreSystemsetting) { patchSystemSetting(s, *r.Body) })
	if err != nil {
		return nil, err
	}
	return api.UpdateSystemSetting200JSONResponse{
		Body: toAPISystemSetting(row), Headers: api.UpdateSystemSetting200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

var builtinSetting = apperr.New(apperr.Conflict, "builtin_setting",
	"The server reads this setting; it can be neither renamed nor deleted. Change its value instead.")

// changeSetting lets edit say what a setting is to be, and writes that.
func (h *handlers) changeSetting(ctx context.Context, id int64, ifMatch *string, edit func(*db.CoreSystemsetting)) (db.CoreSystemsetting, error) {
	var after db.CoreSystemsetting
	err := h.changes.Do(ctx, func(c *change.Change) error {
		seen, err := db.New().SystemSettingGet(ctx, c.Tx, id)
		if err != nil {
			return err
		}
		locked, err := lockSettings(ctx, c.Tx, seen)
		if err != nil {
			return err
		}
		before, err := settingByID(locked, id)
		if err != nil {
			return err
		}
		if err := checkMatch(ifMatch, before.Version); err != nil {
			return err
		}
		s := before
		edit(&s)
		if s.Key != before.Key && (setting.IsBuiltin(before.Key) || setting.IsBuiltin(s.Key)) {
			return builtinSetting
		}
		if s.Key != before.Key || s.Value != before.Value {
			if err := checkSetting(s, locked); err != nil {
				return err
			}
		}
		after, err = change.Edit(c, audit.Entry{Object: "systemsetting", ID: id}, before, s, func() (db.CoreSystemsetting, error) {
			return db.New().SystemSettingUpdate(ctx, c.Tx, db.SystemSettingUpdateParams{
				ID: id, Version: before.Version, Key: s.Key, Value: s.Value, Description: s.Description, Category: s.Category,
				IsPublic: s.IsPublic, Now: c.Now,
			})
		})
		return err
	})
	return after, err
}

// DeleteSystemSetting removes a setting that the server does not read.
func (h *handlers) DeleteSystemSetting(ctx context.Context, r api.DeleteSystemSettingRequestObject) (api.DeleteSystemSettingResponseObject, error) {
	return api.DeleteSystemSetting204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreSystemsetting]{
		Object: "systemsetting", Lock: db.New().SystemSettingLock, Delete: db.New().SystemSettingDelete,
		Version: func(s db.CoreSystemsetting) int64 { return s.Version },
		Check: func(_ *change.Change, s db.CoreSystemsetting) error {
			if setting.IsBuiltin(s.Key) {
				return builtinSetting
			}
			return nil
		},
	})
}

// lockSettings locks a setting, of which id and key count, and what its value is checked
// against: with an end of the working hours the other end.
func lockSettings(ctx context.Context, conn db.DBTX, s db.CoreSystemsetting) ([]db.CoreSystemsetting, error) {
	var keys []string
	if other := setting.OtherEnd(s.Key); other != "" {
		keys = []string{s.Key, other}
	}
	return db.New().SystemSettingsLock(ctx, conn, s.ID, keys)
}

func settingByID(locked []db.CoreSystemsetting, id int64) (db.CoreSystemsetting, error) {
	for _, s := range locked {
		if s.ID == id {
			return s, nil
		}
	}
	return db.CoreSystemsetting{}, pgx.ErrNoRows // deleted while it was waited for
}

// checkSetting returns nil when a setting may have its value beside those that are locked
// with it.
func checkSetting(s db.CoreSystemsetting, locked []db.CoreSystemsetting) error {
	if err := setting.Check(s.Key, s.Value); err != nil {
		return err
	}
	for _, other := range locked {
		if other.Key == setting.OtherEnd(s.Key) {
			return setting.CheckHours(s.Key, s.Value, other.Value)
		}
	}
	return nil
}

func replaceSystemSetting(s *db.CoreSystemsetting, b api.SystemSettingWrite) {
	s.Key = b.Key
	s.Value = b.Value
	s.Description = valueOr(b.Description, "")
	s.Category = valueOr(b.Category, "general")
	s.IsPublic = valueOr(b.IsPublic, false)
}

func patchSystemSetting(s *db.CoreSystemsetting, b api.SystemSettingPatch) {
	s.Key = valueOr(b.Key, s.Key)
	s.Value = valueOr(b.Value, s.Value)
	s.Description = valueOr(b.Description, s.Description)
	s.Category = valueOr(b.Category, s.Category)
	s.IsPublic = valueOr(b.IsPublic, s.IsPublic)
}

func toAPISystemSetting(s db.CoreSystemsetting) api.SystemSetting {
	return api.SystemSetting{
		ID: s.ID, Key: s.Key, Value: s.Value, Description: s.Description, Category: s.Category, IsPublic: s.IsPublic,
		UpdatedAt: s.UpdatedAt, ValueType: api.SettingType(setting.TypeOf(s.Key)), IsBuiltin: setting.IsBuiltin(s.Key),
		Version: s.Version,
	}
}
