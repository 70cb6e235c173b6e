package allergy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"chelal/internal/allergy"
)

func TestNoneKnown(t *testing.T) {
	t.Parallel()
	for language, texts := range map[string][]string{
		"en": {
			"NKDA", "nka", "N.K.D.A.", "None", "none.", "Nil", "nil known", "None known", "No", "no allergies", "No known allergies",
			"No known drug allergies", "no known allergy", "No known food or drug allergies", "no known drug, food or latex allergies",
			"denies allergies", "Patient denies any known drug allergies", "Pt has no known allergies at this time", "Allergies: none",
			"Drug allergies: NKDA", "Not allergic to anything", "without known allergies", "no adverse reactions", "NKDA (confirmed 2024)",
			"Nothing known", "No reported allergies", "doesn't have any allergies", "None to my knowledge", "never had any allergies", "NKDA. No food allergies.",
		},
		"fr": {"aucune", "Aucune allergie connue", "Néant", "Pas d'allergie", "pas d’allergies connues", "sans allergie connue", "Aucune allergie médicamenteuse connue", "RAS", "Non", "n'a pas d'allergie"},
		"sw": {"hakuna", "Hakuna mzio", "Hana mzio wowote", "hana aleji", "Hakuna mzio wa dawa unaojulikana", "Sina mzio", "hakuna aleji yoyote"},
		"es": {"ninguna", "Sin alergias", "sin alergias conocidas", "Niega alergias", "No alergias conocidas", "no refiere alergias medicamentosas", "Ninguna conocida", "No tiene alergias"},
		"pt": {"nenhuma", "Sem alergias conhecidas", "nega alergias", "Não tem alergias", "nenhuma alergia conhecida"},
		"de": {"keine", "keine bekannt", "Keine Allergien bekannt", "keine bekannten Allergien", "ohne Allergien", "nicht allergisch", "Keine Medikamentenallergien"}, //nolint:misspell // German
		"it": {"nessuna", "Nessuna allergia nota", "Nessuna allergia conosciuta", "non ha allergie", "senza allergie", "nega allergie"},
		"nl": {"geen", "Geen allergieën bekend", "geen bekende allergieën", "niet allergisch"}, //nolint:misspell // Dutch
		"ar": {"لا يوجد", "لا توجد حساسية", "لا يوجد حساسية معروفة", "لا توجد حساسية للأدوية", "ليس لديه حساسية", "لا يعاني من حساسية"},
		"so": {"Xasaasiyad ma jirto", "ma jirto", "xasaasiyad ma laha", "wax xasaasiyad ah ma laha", "maya"},
		"am": {"የለም", "አለርጂ የለም", "የታወቀ አለርጂ የለም", "የመድሃኒት አለርጂ የለበትም", "ምንም አለርጂ የለም"},
	} {
		for _, text := range texts {
			r := allergy.Check(text, "Amoxicillin")
			assert.Equal(t, allergy.Clear, r.Outcome, "%s: %q: %+v", language, text, r)
			assert.Empty(t, r.Unknown, text)
			assert.Equal(t, allergy.Clear, allergy.Check(text, "Zorblax").Outcome, "whatever the medication: %q", text)
		}
	}
}

// What looks like "none known" and is not.
func TestNotNoneKnown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"unknown", "not known", "Allergies not known", "N/A", "n/k", "?", "-", "…", "none?", "NKDA ?", "No known allergies?",
		"not asked", "no information", "no record", "not recorded", "unable to assess", "see notes", "yes", "allergies", "known allergies",
		"drug allergies", "no food allergies", "NKFA", "no other allergies", "no drugs", "NKDA but", "NKDA except", "NKDA, rash",
		"no known allergies except an unknown drug", "NKDA but see chart", "possibly no allergies", "rash", "drugs", "some tablets",
		"non connue", "allergies inconnues", "no conocidas", "nicht bekannt", "unbekannt", "niet bekend", "non nota", "haijulikani",
		"غير معروف", "desconocidas", "no known allergies zorblax", "nkdx", "nonee",
	} {
		r := allergy.Check(text, "Amoxicillin")
		assert.Equal(t, allergy.NotChecked, r.Outcome, "%q: %+v", text, r)
		assert.NotEmpty(t, r.Unknown, text)
	}
	for _, text := range []string{"", "   ", "\n\t"} {
		assert.Equal(t, allergy.Result{Outcome: allergy.NotChecked, MedicationKnown: true}, allergy.Check(text, "Amoxicillin"))
	}
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"no known allergies except penicillin", "No allergies other than penicillin", "NKDA, but penicillin", "NKDA but allergic to amoxicillin",
		"None apart from PCN", "no known drug allergies aside from Augmentin", "Aucune sauf la pénicilline", "aucune allergie connue hormis l'amoxicilline",
		"Pas d'allergie mais pénicilline", "Hakuna mzio isipokuwa penisilini", "Hakuna lakini penicillin", "Sin alergias excepto penicilina",
		"sin alergias pero penicilina", "Keine außer Penicillin", "keine Allergien bekannt, aber Penicillin", "Nessuna tranne penicillina",
		"Nenhuma exceto penicilina", "geen behalve penicilline", "لا توجد حساسية باستثناء البنسلين", "nothing but penicillin", "NKDA. Penicillin", "NKDA; penicillin",
		"no known allergies\npenicillin", "No known allergies (penicillin)", "NKDA penicillin",
	} {
		r := allergy.Check(text, "Amoxicillin")
		assert.Equal(t, allergy.Conflict, r.Outcome, "%q: %+v", text, r)
		assert.NotEqual(t, allergy.NotChecked, allergy.Check(text, "Metformin").Outcome, text)
	}
	assert.Equal(t, allergy.Clear, allergy.Check("NKDA, but latex", "Amoxicillin").Outcome)
	assert.Equal(t, allergy.Clear, allergy.Check("no allergies other than sulfa", "Amoxicillin").Outcome)
	assert.Equal(t, allergy.Conflict, allergy.Check("no allergies other than sulfa", "Septrin").Outcome)
}

// What is taken back is no conflict, and a medicine that is taken back is not cleared.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"not allergic to penicillin", "No penicillin allergy", "denies penicillin allergy", "no known allergy to penicillin", "isn't allergic to penicillin",
		"tolerates amoxicillin", "penicillin (none)", "Penicillin: no allergy", "penicillin - ruled out", "penicillin allergy excluded",
		"not allergic to aspirin or penicillin", "not allergic to penicillin and aspirin", "Not allergic to penicillin", "pas allergique à la pénicilline",
		"Hana mzio wa penisilini", "no es alérgico a la penicilina", "nicht allergisch gegen Penicillin", "no rash with penicillin", "latex (not penicillin)", //nolint:misspell // German
	} {
		r := allergy.Check(text, "Amoxicillin")
		assert.Equal(t, allergy.NotChecked, r.Outcome, "%q: %+v", text, r)
		assert.NotEmpty(t, r.Unknown, text)
	}
	for _, text := range []string{
		"not allergic to aspirin, penicillin", "not allergic to aspirin but allergic to penicillin", "not allergic to aspirin; penicillin",
		"penicillin - rash, no anaphylaxis", "penicillin (no anaphylaxis)", "penicillin - no other allergies", "penicillin, no food allergies",
		"No penicillin", "no penicillin!", "avoid penicillin", "do not give penicillin", "never give PCN", "cannot take penicillin", "pas de pénicilline", "sin penicilina",
		"no aspirin, no penicillin", "penicillin not confirmed",
	} {
		assert.Equal(t, allergy.Conflict, allergy.Check(text, "Amoxicillin").Outcome, text)
	}
	assert.Equal(t, allergy.Clear, allergy.Check("NKDA. No latex allergy.", "Amoxicillin").Outcome)
	assert.Equal(t, allergy.Clear, allergy.Check("aspirin, not allergic to eggs", "Amoxicillin").Outcome)
}
