package listing

import (
	"context"

	"chelal/gen/db"
)

// SystemSettings are listed by id, key and when they last changed.
var SystemSettings = List[db.CoreSystemsetting]{
	Query: db.SystemSettingList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.CoreSystemsetting, error) {
		return db.New().SystemSettingList(ctx, conn)
	},
	Orders: map[string]Order[db.CoreSystemsetting]{
		"id":  {[]Column{{"s.id", "bigint"}}, func(s db.CoreSystemsetting) []string { return []string{id(s.ID)} }},
		"key": {[]Column{{"s.key", "text"}}, func(s db.CoreSystemsetting) []string { return []string{s.Key} }},
		"updated_at": {[]Column{{"s.updated_at", "timestamptz"}, {"s.id", "bigint"}},
			func(s db.CoreSystemsetting) []string { return []string{instant(s.UpdatedAt), id(s.ID)} }},
	},
}

// SystemSettingsFound narrows settings to those whose key, description or category hold
// every word.
func SystemSettingsFound(search string) []Condition {
	return Words("' ' || core_search_key(replace(s.key, '_', ' ') || ' ' || s.key || ' ' || s.description || ' ' || s.category)", search)
}

// SystemSettingsOf narrows settings to a category.
func SystemSettingsOf(category string) Condition {
	return Condition{"s.category = ?", []any{category}}
}

// SystemSettingsPublic narrows settings to public or to other ones.
func SystemSettingsPublic(public bool) Condition {
	return Condition{"s.is_public = ?", []any{public}}
}
