package patientimport

import (
	"slices"
	"strings"
)

type fhirAllergy struct {
	ResourceType       string      `json:"resourceType"`
	ClinicalStatus     fhirConcept `json:"clinicalStatus"`
	VerificationStatus fhirConcept `json:"verificationStatus"`
	Code               fhirConcept `json:"code"`
	Patient            struct {
		Reference string `json:"reference"`
	} `json:"patient"`
}

// readAllergies joins the allergies to the rows of their patients, in the order of
// the file, each once: "Aspirin; Latex".
func (in *intake) readAllergies(s *source) error {
	in.files = append(in.files, s.name)
	joined := map[int][]string{}
	err := eachLine(s, func(number int, line []byte) {
		a, found := parseAllergy(line)
		switch {
		case len(found) > 0:
			in.report.bad(s.name, number, found...)
		case !a.counts:
			in.report.AllergiesIgnored++
		default:
			in.join(joined, a, number)
		}
	})
	for i, names := range joined {
		in.rows[i].allergies = len(names)
		in.rows[i].KnownAllergies = strings.Join(names, "; ")
	}
	in.checkAllergies()
	return err
}

// join notes an allergy for the row of its patient.
func (in *intake) join(joined map[int][]string, a allergy, number int) {
	i, ok := in.byID[a.patient]
	switch {
	case !ok:
		in.elsewhere[a.patient] = append(in.elsewhere[a.patient], number)
	case i >= 0 && !slices.ContainsFunc(joined[i], func(name string) bool { return strings.EqualFold(name, a.name) }):
		joined[i] = append(joined[i], a.name)
	}
}

// checkAllergies finds the patients who have more allergies than a record holds.
func (in *intake) checkAllergies() {
	for _, r := range in.rows {
		if r.allergies > 0 {
			if fields := r.Check(in.today); len(fields) > 0 {
				in.report.bad(in.files[0], r.line, fields...)
			}
		}
	}
	in.report.sort(in.files...)
}

type allergy struct {
	patient, name string
	counts        bool // active, and neither refuted nor entered in error
}

func parseAllergy(line []byte) (a allergy, found problems) {
	var f fhirAllergy
	if found = decode(line, &f, &f.ResourceType, "AllergyIntolerance"); len(found) > 0 {
		return a, found
	}
	if !f.counts() {
		return a, nil
	}
	a.counts = true
	if a.name = found.clean("code", f.Code.name()); a.name == "" && len(found) == 0 {
		found.add("code", "The substance is missing: there must be code.text or code.coding.display.")
	}
	if a.patient = referred(f.Patient.Reference); a.patient == "" {
		found.add("patient", "It must refer to a patient as Patient/<id>.")
	}
	return a, found
}

func (f *fhirAllergy) counts() bool {
	active := len(f.ClinicalStatus.Coding) == 0 || f.ClinicalStatus.has("active")
	return active && !f.VerificationStatus.has("refuted") && !f.VerificationStatus.has("entered-in-error")
}

// name is the text, else what the first code that has a name is called.
func (c fhirConcept) name() string {
	if strings.TrimSpace(c.Text) != "" {
		return c.Text
	}
	for _, coding := range c.Coding {
		if strings.TrimSpace(coding.Display) != "" {
			return coding.Display
		}
	}
	return ""
}

// referred returns the id in Patient/<id>, urn:uuid:<id> or the URL of a patient.
func referred(reference string) string {
	reference, _, _ = strings.Cut(strings.TrimSpace(reference), "/_history/")
	if id, ok := strings.CutPrefix(reference, "urn:uuid:"); ok {
		return id
	}
	i := strings.LastIndex(reference, "Patient/")
	if i < 0 || i > 0 && reference[i-1] != '/' {
		return ""
	}
	return reference[i+len("Patient/"):]
}
