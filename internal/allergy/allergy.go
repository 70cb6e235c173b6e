// Package allergy compares what is written of a patient's allergies with the names
// of a medication. It is a rule and a table: no input or output, no clock, and the
// same answer for the same text.
//
// A wrong "clear" can hurt a patient and a wrong alert costs a doctor a moment, so
// every doubt goes the same way: words that the table does not know leave the text
// not checked, a spelling that may mean two substances counts against both, and an
// allergy that is only suspected, or of the family, is read as the patient's own.
// An allergen that the text takes back ("not allergic to penicillin") is no conflict
// and no clearance either; "no penicillin", without a word of allergy, is read as an
// order to avoid it. Clear speaks of active substances, and of the few additives that
// table/crossreactions.txt names for certain medicines.
package allergy

// Version names the edition of the table; stored beside each result.
const Version = "2026-11"

// Outcome is what a comparison comes to.
type Outcome string

// The outcomes of Check.
const (
	// Clear: the allergies and the medication were understood, and nothing conflicts.
	Clear Outcome = "clear"
	// Conflict: at least one finding, whatever else was not understood.
	Conflict Outcome = "conflict"
	// NotChecked: something was not understood or nothing is written, so nothing is promised.
	NotChecked Outcome = "not_checked"
)

// The relations of a Finding.
const (
	SameSubstance = "same substance"
	SameClass     = "same class"
	CrossReaction = "cross-reaction"
)

// Finding is one reason against a medication.
type Finding struct {
	Allergy    string // the part of the patient's text, as written
	Medication string // the name that it concerns, as given
	Substance  string // the known allergen, canonical: "penicillins"
	Relation   string // SameSubstance, SameClass or CrossReaction
	Reason     string // a sentence a doctor understands
}

// Result is the answer of Check. NotChecked without a part in Unknown means that no
// allergies are written, or that the medication is not known.
type Result struct {
	Outcome         Outcome
	Findings        []Finding // with Conflict: each once, in the order of the text
	Unknown         []string  // parts of the allergy text (as written) that the table does not know
	MedicationKnown bool      // whether the table knows all that the names of the medication name
}

// Check compares a patient's known allergies with the names of one medication
// (prescribed name, generic name; empty ones are ignored).
//
// A prescribed name that the table does not know is borne out by a generic name that
// it does. Without any known name the result is NotChecked, unless the text says that
// no allergy is known, names only allergens that concern no medicine, or names the
// medication itself.
func Check(knownAllergies string, names ...string) Result {
	t := theTable()
	medication, record := t.medication(names), t.record(knownAllergies)
	r := Result{Unknown: record.unknown, MedicationKnown: medication.understood}
	seen := map[string]bool{}
	for _, c := range record.claims {
		for _, f := range t.findings(c, &medication) {
			if !seen[f.Substance] {
				seen[f.Substance] = true
				r.Findings = append(r.Findings, f)
			}
		}
	}
	switch {
	case len(r.Findings) > 0:
		r.Outcome = Conflict
	case len(r.Unknown) > 0 || !record.says:
		r.Outcome = NotChecked
	case medication.understood || t.concernNoMedicine(record.claims):
		r.Outcome = Clear
	default:
		r.Outcome = NotChecked
	}
	return r
}

// findings are the reasons that one claim gives, at most one for each allergen.
func (t *table) findings(c claim, m *medication) []Finding {
	if c.word != "" {
		return m.named(c)
	}
	var found []Finding
	for _, allergen := range c.concepts {
		var best relation
		var of contained
		for _, in := range m.contents {
			if r := t.relate(allergen, in.concept); r.strength > best.strength {
				best, of = r, in
			}
		}
		if best.strength == 0 {
			continue
		}
		reason := t.reason(best, of.name, of.concept, allergen)
		if c.weak || of.weak {
			reason += " A name is spelled differently from what the table knows: check what is meant."
		}
		found = append(found, Finding{
			Allergy: c.part, Medication: of.name, Substance: t.concepts[allergen].name,
			Relation: best.strength.String(), Reason: reason,
		})
	}
	return found
}

// concernNoMedicine reports whether all claims are of allergens that count against no
// medicine, so that it does not matter which one is given.
func (t *table) concernNoMedicine(claims []claim) bool {
	for _, c := range claims {
		for _, id := range c.concepts {
			if !t.concepts[id].harmless {
				return false
			}
		}
	}
	return true
}
