package patientimport

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// fhirPatient is what is read of a Patient resource; the rest, extensions included,
// is ignored.
type fhirPatient struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Identifier   []fhirIdentifier `json:"identifier"`
	Name         []fhirName       `json:"name"`
	Telecom      []fhirTelecom    `json:"telecom"`
	Gender       string           `json:"gender"`
	BirthDate    string           `json:"birthDate"`
	Address      []fhirAddress    `json:"address"`
}

type fhirIdentifier struct {
	Type   fhirConcept `json:"type"`
	System string      `json:"system"`
	Value  string      `json:"value"`
}

type fhirConcept struct {
	Coding []fhirCoding `json:"coding"`
	Text   string       `json:"text"`
}

type fhirCoding struct {
	Code    string `json:"code"`
	Display string `json:"display"`
}

type fhirName struct {
	Use    string   `json:"use"`
	Text   string   `json:"text"`
	Family string   `json:"family"`
	Given  []string `json:"given"`
}

type fhirTelecom struct {
	System string `json:"system"`
	Value  string `json:"value"`
	Use    string `json:"use"`
	Rank   int    `json:"rank"`
}

type fhirAddress struct {
	Use        string   `json:"use"`
	Text       string   `json:"text"`
	Line       []string `json:"line"`
	City       string   `json:"city"`
	State      string   `json:"state"`
	PostalCode string   `json:"postalCode"`
	Country    string   `json:"country"`
}

func (in *intake) readPatients(s *source) error {
	in.files = append(in.files, s.name)
	return eachLine(s, func(number int, line []byte) {
		r, found := parsePatient(line)
		r.line = number
		if r.fhirID == "" {
			in.report.Lines++
			in.report.bad(s.name, number, found...)
			return
		}
		in.admit(s.name, r, found)
	})
}

// parsePatient reads a Patient. A row without fhirID is not one, or has no id, and
// found says so.
func parsePatient(line []byte) (r row, found problems) {
	var p fhirPatient
	if found = decode(line, &p, &p.ResourceType, "Patient"); len(found) > 0 {
		return r, found
	}
	id := found.clean("id", p.ID)
	if len(found) == 0 && (id == "" || tooLong(id)) {
		found.add("id", "The resource must have an id of at most 255 characters.")
	}
	if len(found) > 0 {
		return r, found
	}
	r.fhirID = id
	r.key = p.key(id, &found)
	first, last := p.name()
	r.FirstName = found.clean("first_name", first)
	r.LastName = found.clean("last_name", last)
	r.DateOfBirth = found.date(p.BirthDate)
	r.Gender = cmp.Or(found.clean("gender", p.Gender), "unknown")
	r.ContactInfo = found.clean("contact_info", p.contact())
	r.Address = found.clean("address", p.address())
	return r, found
}

// maxIdentifier is the length of the columns of core_patientidentifier.
const maxIdentifier = 255

func tooLong(id string) bool { return utf8.RuneCountInString(id) > maxIdentifier }

// key is the identifier by which the patient is known again.
func (p *fhirPatient) key(id string, found *problems) identifier {
	for _, i := range p.Identifier {
		if !i.Type.has("MR") || strings.TrimSpace(i.System) == "" || strings.TrimSpace(i.Value) == "" {
			continue
		}
		key := identifier{found.clean("identifier", i.System), found.clean("identifier", i.Value)}
		if tooLong(key.system) || tooLong(key.value) {
			found.add("identifier", "The medical record number and its system may have at most 255 characters.")
		}
		return key
	}
	return identifier{FHIRSystem, id}
}

func (c fhirConcept) has(code string) bool {
	return slices.ContainsFunc(c.Coding, func(x fhirCoding) bool { return x.Code == code })
}
