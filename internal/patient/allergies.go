package patient

import (
	"strings"
	"unicode/utf8"
)

// JoinAllergies returns a record's known allergies with what another record of the same
// person adds to them. Neither text is judged: what contradicts each other stands side by
// side, for a doctor to decide. It reports false when a record has no room for both.
func JoinAllergies(own, other string) (string, bool) {
	joined := other
	if own != "" {
		parts, known := []string{own}, map[string]bool{}
		for _, part := range allergyParts(own) {
			known[partKey(part)] = true
		}
		for _, part := range allergyParts(other) {
			if key := partKey(part); !known[key] {
				known[key] = true
				parts = append(parts, part)
			}
		}
		joined = strings.Join(parts, "; ")
	}
	return joined, utf8.RuneCountInString(joined) <= maxAllergies
}

// allergyParts splits a text at semicolons and line ends, and at commas where it is a
// plain list: in "penicillin (rash, fever)" the fever belongs to the penicillin.
func allergyParts(s string) []string {
	var parts []string
	for _, segment := range strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == '\n' }) {
		listed := []string{segment}
		if !strings.ContainsAny(segment, "(:") {
			listed = strings.Split(segment, ",")
		}
		for _, part := range listed {
			if part = strings.TrimSpace(part); part != "" {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// partKey is the same for parts that differ by case and spaces only.
func partKey(part string) string { return strings.ToLower(strings.Join(strings.Fields(part), " ")) }
