package listing

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words returns the conditions that column, a text in the form of core_search_key that
// begins with a space, holds every word of search. One or two letters find the beginnings
// of words, three and more any part. A search of digits alone is a telephone number,
// however it is written.
func Words(column, search string) []Condition {
	words := strings.Fields(search)
	if digits, ok := telephone(search); ok {
		words = []string{digits}
	}
	return holding(column, words)
}

// holding is Words with the search as words, whatever they look like.
func holding(column string, words []string) []Condition {
	var conditions []Condition
	for _, word := range words {
		pattern := "'%' || "
		if utf8.RuneCountInString(word) < 3 {
			pattern = "'% ' || "
		}
		conditions = append(conditions, Condition{
			SQL:  column + " LIKE " + pattern + escaped + " || '%'",
			Args: []any{word},
		})
	}
	return conditions
}

// escaped brings a word into the column's form; its % and _ mean themselves.
const escaped = `replace(replace(replace(core_search_key(?::text), '\', '\\'), '%', '\%'), '_', '\_')`

func telephone(search string) (string, bool) {
	var digits strings.Builder
	for _, r := range search {
		switch {
		case unicode.IsDigit(r):
			digits.WriteRune(r)
		case !unicode.IsSpace(r) && !strings.ContainsRune("+-().·/", r):
			return "", false
		}
	}
	return strings.TrimLeft(digits.String(), "0"), len(strings.TrimLeft(digits.String(), "0")) >= 3
}

// searched reports whether words are looked for.
func searched(where string) bool { return strings.Contains(where, "core_search_key(") }
