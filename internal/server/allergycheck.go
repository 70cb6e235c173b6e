package server

import (
	"context"
	"strings"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/allergy"
	"chelal/internal/apperr"
	"chelal/internal/change"
)

const conflictOverridden = string(api.PrescriptionAllergyCheckConflictOverridden)

var allergyConflict = apperr.New(apperr.Conflict, "allergy_conflict",
	"The patient's known allergies speak against this medication; see findings. Choose another, or say in override_reason why it is given all the same.")

// checkAllergies compares a prescription with the patient's known allergies as they are
// now, and keeps in it what came of that. A conflict is refused unless there is a reason:
// that of this request, or the one for which the same findings were overridden before.
func checkAllergies(ctx context.Context, c *change.Change, r db.CorePrescription, patientID int64,
	medication db.CoreMedication, reason string) (db.CorePrescription, error) {
	patient, err := db.New().PatientGet(ctx, c.Tx, patientID, nil)
	if err != nil {
		return r, err
	}
	result := allergy.Check(patient.KnownAllergies, r.MedicationName, medication.Name, medication.GenericName)
	decided := reason != "" || overriddenBefore(r, result.Findings)
	r.AllergyTable, r.AllergyCheck = allergy.Version, string(result.Outcome)
	r.AllergyNote = allergyNote(patient.KnownAllergies, result)
	if result.Outcome != allergy.Conflict {
		return r, nil
	}
	if !decided {
		return r, allergyConflict.With("findings", convert(result.Findings, toAPIAllergyFinding))
	}
	r.AllergyCheck = conflictOverridden
	return r, nil
}

// overriddenBefore reports whether a prescription was written, or changed, in spite of
// all of these findings.
func overriddenBefore(r db.CorePrescription, findings []allergy.Finding) bool {
	if r.AllergyCheck != conflictOverridden || r.OverrideReason == "" {
		return false
	}
	for _, f := range findings {
		if !strings.Contains(r.AllergyNote, sentence(f)) {
			return false
		}
	}
	return true
}

// allergyNote says what was found, and what could not be checked.
func allergyNote(knownAllergies string, result allergy.Result) string {
	if result.Outcome == allergy.Clear {
		return ""
	}
	var sentences []string
	for _, f := range result.Findings {
		sentences = append(sentences, sentence(f))
	}
	if knownAllergies == "" {
		sentences = append(sentences, "The patient's known allergies are not recorded.")
	}
	if len(result.Unknown) > 0 {
		sentences = append(sentences, `Not understood: "`+strings.Join(result.Unknown, `", "`)+`".`)
	}
	if !result.MedicationKnown {
		sentences = append(sentences, "The medication is not in the table.")
	}
	return strings.Join(sentences, " ")
}

func sentence(f allergy.Finding) string { return f.Allergy + ": " + f.Reason }

func toAPIAllergyFinding(f allergy.Finding) api.AllergyFinding {
	return api.AllergyFinding{
		Allergy: f.Allergy, Medication: f.Medication, Substance: f.Substance,
		Relation: api.AllergyFindingRelation(f.Relation), Reason: f.Reason,
	}
}
