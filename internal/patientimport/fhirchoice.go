package patientimport

import (
	"cmp"
	"slices"
	"strings"
)

// A FHIR patient may have many names, numbers and addresses; the record holds one
// of each. This file chooses.

// name takes the official name, else the usual one, else the first.
func (p *fhirPatient) name() (first, last string) {
	names := slices.DeleteFunc(p.Name, func(n fhirName) bool {
		return n.Text == "" && n.Family == "" && join(n.Given, " ") == ""
	})
	if len(names) == 0 {
		return "", ""
	}
	n := slices.MinFunc(names, func(a, b fhirName) int {
		return cmp.Compare(preference(a.Use, "official", "usual"), preference(b.Use, "official", "usual"))
	})
	first, last = join(n.Given, " "), n.Family
	if first == "" {
		first, last = cmp.Or(n.Family, n.Text), ""
	}
	return first, last
}

// contact takes the telephone number of the best rank, of those a mobile one, then
// one at home; without a number, an e-mail address.
func (p *fhirPatient) contact() string {
	for _, system := range []string{"phone", "email"} {
		points := slices.DeleteFunc(slices.Clone(p.Telecom), func(t fhirTelecom) bool {
			return t.System != system || t.Use == "old" || strings.TrimSpace(t.Value) == ""
		})
		if len(points) > 0 {
			return slices.MinFunc(points, compareTelecom).Value
		}
	}
	return ""
}

func compareTelecom(a, b fhirTelecom) int {
	const unranked = 1 << 31
	return cmp.Or(
		cmp.Compare(cmp.Or(a.Rank, unranked), cmp.Or(b.Rank, unranked)),
		cmp.Compare(preference(a.Use, "mobile", "home"), preference(b.Use, "mobile", "home")),
	)
}

// address takes the one at home, else the first that is still in use.
func (p *fhirPatient) address() string {
	current := slices.DeleteFunc(p.Address, func(a fhirAddress) bool { return a.Use == "old" })
	if len(current) == 0 {
		return ""
	}
	a := slices.MinFunc(current, func(a, b fhirAddress) int {
		return cmp.Compare(preference(a.Use, "home"), preference(b.Use, "home"))
	})
	parts := append(slices.Clone(a.Line), a.City, a.State, a.PostalCode, a.Country)
	return cmp.Or(join(parts, ", "), a.Text)
}

// preference is the place of use among the ones preferred; the others come after.
func preference(use string, preferred ...string) int {
	if i := slices.Index(preferred, use); i >= 0 {
		return i
	}
	return len(preferred)
}

// join leaves out what is blank.
func join(parts []string, separator string) string {
	kept := make([]string, 0, len(parts))
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, separator)
}
