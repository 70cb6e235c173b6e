// Package patient holds the rules about what the hospital records of a person.
package patient

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"chelal/internal/apperr"
)

// Details are what a person's record says about them. Text is expected as
// package text leaves it.
type Details struct {
	FirstName      string
	LastName       string
	DateOfBirth    time.Time
	Gender         string
	ContactInfo    string
	Address        string
	KnownAllergies string
}

const (
	maxName      = 100
	maxContact   = 255
	maxAllergies = 10_000
	maxYears     = 150
)

// genders are the values that a record may hold, in lower case.
var genders = []string{"m", "f", "o", "u", "male", "female", "other", "unknown", "prefer-not-to-say"}

// Check returns every broken rule, at most one a field; none means that the
// database takes the record. today is the hospital's day. Names of fields are
// those of the API. A last name may be empty: there are people with one name.
func (d Details) Check(today time.Time) []apperr.Field {
	var p problems
	if d.FirstName == "" {
		p.add("first_name", "required", "Give a first name; a person with one name has it here.")
	}
	p.limit("first_name", d.FirstName, maxName)
	p.limit("last_name", d.LastName, maxName)
	p.birth(d.DateOfBirth, today)
	p.gender(d.Gender)
	p.limit("contact_info", d.ContactInfo, maxContact)
	p.limit("address", d.Address, maxContact)
	p.limit("known_allergies", d.KnownAllergies, maxAllergies)
	return p
}

type problems []apperr.Field

func (p *problems) add(name, code, message string) {
	*p = append(*p, apperr.Field{Name: name, Code: code, Message: message})
}

func (p *problems) limit(name, value string, most int) {
	if utf8.RuneCountInString(value) > most {
		p.add(name, "too_long", fmt.Sprintf("It may have at most %d characters.", most))
	}
}

func (p *problems) birth(born, today time.Time) {
	switch born, today = day(born), day(today); {
	case born.IsZero():
		p.add("date_of_birth", "required", "Give the date of birth.")
	case born.After(today):
		p.add("date_of_birth", "in_the_future", "The date of birth is after today.")
	case born.Before(today.AddDate(-maxYears, 0, 0)):
		p.add("date_of_birth", "too_long_ago", fmt.Sprintf("The date of birth is more than %d years ago.", maxYears))
	}
}

func (p *problems) gender(value string) {
	switch {
	case value == "":
		p.add("gender", "required", "Give the gender; U or unknown when it is not known.")
	case !slices.Contains(genders, strings.ToLower(value)):
		p.add("gender", "invalid_choice",
			"It must be one of M, F, O, U, male, female, other, unknown and prefer-not-to-say.")
	}
}

// day drops the time of day and the zone, so that dates compare as dates.
func day(t time.Time) time.Time {
	year, month, d := t.Date()
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
