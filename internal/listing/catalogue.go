package listing

import (
	"context"
	"strings"

	"chelal/gen/db"
)

// ServiceItems are listed by id, code, name and price.
var ServiceItems = List[db.CoreServiceitem]{
	Query: db.ServiceItemList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.CoreServiceitem, error) {
		return db.New().ServiceItemList(ctx, conn)
	},
	Orders: map[string]Order[db.CoreServiceitem]{
		"id":   {[]Column{{"s.id", "bigint"}}, func(s db.CoreServiceitem) []string { return []string{id(s.ID)} }},
		"code": {[]Column{{"s.code", "text"}}, func(s db.CoreServiceitem) []string { return []string{s.Code} }},
		"name": {[]Column{{"s.name", "text"}, {"s.id", "bigint"}},
			func(s db.CoreServiceitem) []string { return []string{s.Name, id(s.ID)} }},
		"price": {[]Column{{"s.price", "numeric"}, {"s.id", "bigint"}},
			func(s db.CoreServiceitem) []string { return []string{s.Price.String(), id(s.ID)} }},
	},
}

// ServiceItemsFound narrows services to those whose code, name and category together hold
// every word. Numbers are codes, not telephone numbers.
func ServiceItemsFound(search string) []Condition {
	return holding("s.search_text", strings.Fields(search))
}

// ServiceItemsOfCategory narrows services to those of a category.
func ServiceItemsOfCategory(category string) Condition {
	return Condition{"s.category = ?", []any{category}}
}

// ServiceItemsActive narrows services to active or to retired ones.
func ServiceItemsActive(active bool) Condition { return Condition{"s.is_active = ?", []any{active}} }
