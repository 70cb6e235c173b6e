package patientimport

import (
	"slices"
	"time"
	"unicode/utf8"

	"chelal/internal/apperr"
	"chelal/internal/text"
)

// problems are the wrong fields of one line.
type problems []apperr.Field

func (p *problems) add(field, reason string) {
	*p = append(*p, apperr.Field{Name: field, Message: reason})
}

func (p problems) has(field string) bool {
	return slices.ContainsFunc(p, func(f apperr.Field) bool { return f.Name == field })
}

// clean returns value in the form in which it is stored.
func (p *problems) clean(field, value string) string {
	cleaned, ok := text.Clean(value)
	switch {
	case ok:
	case !utf8.ValidString(value):
		p.add(field, "It is not UTF-8 text. Save the file in UTF-8.")
	case slices.Contains([]rune(value), utf8.RuneError):
		p.add(field, "It holds a replacement character: letters were lost when the file was made.")
	default:
		p.add(field, "It holds a control character.")
	}
	return cleaned
}

// date reads YYYY-MM-DD.
func (p *problems) date(value string) time.Time {
	const field = "date_of_birth"
	born, err := time.Parse(time.DateOnly, value)
	switch {
	case err == nil || value == "": // an absent one is found by the rules
	case isPartial(value):
		p.add(field, "The day of birth is missing. It must be YYYY-MM-DD.")
	default:
		p.add(field, "It must be a day that exists, as YYYY-MM-DD.")
	}
	return born
}

func isPartial(date string) bool {
	for _, layout := range []string{"2006", "2006-01"} {
		if _, err := time.Parse(layout, date); err == nil {
			return true
		}
	}
	return false
}
