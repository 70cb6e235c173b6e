package allergy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"chelal/internal/allergy"
)

// found is a finding without its sentence.
type found struct{ allergy, medication, substance, relation string }

func check(t *testing.T, text string, names []string, want allergy.Outcome, findings ...found) {
	t.Helper()
	r := allergy.Check(text, names...)
	assert.Equal(t, want, r.Outcome, "%q against %q: %+v", text, names, r)
	var got []found
	for _, f := range r.Findings {
		got = append(got, found{f.Allergy, f.Medication, f.Substance, f.Relation})
		assert.NotEmpty(t, f.Reason)
	}
	if len(findings) > 0 {
		assert.Equal(t, findings, got)
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	const same, class, cross = allergy.SameSubstance, allergy.SameClass, allergy.CrossReaction
	amoxicillin := []string{"Amoxicillin 500 mg capsules", "amoxicillin"}
	for _, c := range []struct {
		text     string
		names    []string
		findings []found
	}{
		{"Penicillin; Aspirin", amoxicillin, []found{{"Penicillin", amoxicillin[0], "penicillins", class}}},
		{"allergic to amoxicilin", amoxicillin, []found{{"allergic to amoxicilin", amoxicillin[0], "amoxicillin", same}}},
		{"PCN - rash", []string{"Augmentin"}, []found{{"PCN - rash", "Augmentin", "penicillins", class}}},
		{"Latex, Augmentin (hives, 2019)", []string{"Ampicillin"}, []found{{"Augmentin (hives, 2019)", "Ampicillin", "amoxicillin", class}}},
		{"Fansidar", []string{"Septrin"}, []found{{"Fansidar", "Septrin", "sulfadoxine", class}}},
		{"sulfa", []string{"Fansidar"}, []found{{"sulfa", "Fansidar", "sulfonamide antibiotics", class}}},
		{"Bactrim", []string{"co-trimoxazole 480 mg"}, []found{
			{"Bactrim", "co-trimoxazole 480 mg", "sulfamethoxazole", same}, {"Bactrim", "co-trimoxazole 480 mg", "trimethoprim", same},
		}},
		{"aspirin and ibuprofen\naspirin", []string{"Voltaren"}, []found{
			{"aspirin", "Voltaren", "aspirin", class}, {"ibuprofen", "Voltaren", "ibuprofen", class},
		}},
		{"penicillin", []string{"Keflex 250mg", "cefalexin"}, []found{{"penicillin", "Keflex 250mg", "penicillins", cross}}},
		{"acetaminophen", []string{"", "Panadol Extra"}, []found{{"acetaminophen", "Panadol Extra", "paracetamol", same}}},
		{"salbutamol", []string{"Albuterol inhaler"}, []found{{"salbutamol", "Albuterol inhaler", "salbutamol", same}}},
		{"Carbimazole", []string{"Carbimazole 5mg"}, []found{{"Carbimazole", "Carbimazole 5mg", "carbimazole", same}}},
		{"Zorblaxine - rash", []string{"Zorblaxin 5mg"}, []found{{"Zorblaxine - rash", "Zorblaxin 5mg", "zorblaxine", same}}},
		{"xyz", []string{"XYZ"}, []found{{"xyz", "XYZ", "xyz", same}}},
		{"antibiotics", amoxicillin, []found{{"antibiotics", amoxicillin[0], "antibiotics", class}}},
		{"glargine", []string{"insulin"}, []found{{"glargine", "insulin", "insulin glargine", class}}},
		{"unknownium, penicillin", amoxicillin, []found{{"penicillin", amoxicillin[0], "penicillins", class}}},
	} {
		check(t, c.text, c.names, allergy.Conflict, c.findings...)
	}
}

func TestClear(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"Penicillin; Aspirin", "Metformin 500 mg tablets"}, {"aspirin, ibuprofen", "Panadol"}, {"sulfa", "Lasix"}, {"Bactrim", "celecoxib"},
		{"sulfa drugs", "hydrochlorothiazide"}, {"sulfa", "Glibenclamide"}, {"shellfish", "Omnipaque"}, {"latex", "Amoxicillin 500 mg capsules"},
		{"egg", "amoxicillin"}, {"morphine", "fentanyl"}, {"lidocaine", "procaine"}, {"phenytoin", "Keppra"}, {"codeine", "pethidine"},
		{"isoniazid", "rifampicin"}, {"abacavir", "lamivudine"}, {"cat hair, latex, pollen", "Zorblax 5 mg"}, {"Grass pollen; house dust mite", "unheard of"},
		{"aspirin (rash 12/05/2019), mild", "paracetamol"}, {"Drug allergy: penicillin. Food allergy: peanuts", "metformin"},
		{"severe reaction to penicillin as a child, given in hospital 20 years ago", "metformin"}, {"penicillin (unknown reaction)", "metformin"},
		{"penicillin, no other known allergies", "metformin"}, {"penicillin and other antibiotics", "paracetamol"},
		{"Mzio wa penisilini na karanga", "metformin"}, {"Allergique à la pénicilline et aux arachides", "metformine"},
		{"Alérgico a la penicilina y al huevo", "metformina"}, {"Allergie gegen Penicillin und Nüsse", "Metformin Filmtabletten"},
	} {
		check(t, c[0], []string{c[1]}, allergy.Clear)
	}
}

func TestNotChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		names   []string
		unknown []string
		known   bool
	}{
		{"zorblax", []string{"amoxicillin"}, []string{"zorblax"}, true},
		{"latex; zorblax 5; pollen", []string{"amoxicillin"}, []string{"zorblax 5"}, true},
		{"aspirin", []string{"Zorblax"}, nil, false},
		{"aspirin", nil, nil, false},
		{"egg", []string{"Zorblax"}, nil, false},
		{"aspirin", []string{"amoxicillin + zorblax", "amoxicillin"}, nil, false},
		{"aspirin", []string{"amoxicillin zorblax"}, nil, false},
		{"aspirin", []string{"amoxicilin 500mg and zorblax"}, nil, false},
		{"latex and others", []string{"amoxicillin"}, []string{"others"}, true},
		{"penicillin and similar drugs", []string{"metformin"}, []string{"similar drugs"}, true},
		{"latex, tablets", []string{"amoxicillin"}, []string{"tablets"}, true},
		{"allergic to everything", []string{"amoxicillin"}, []string{"allergic to everything"}, true},
		{"all medicines", []string{"amoxicillin"}, []string{"all medicines"}, true},
		{"polysorbate 80", []string{"amoxicillin"}, []string{"polysorbate 80"}, true},
		{"latex 🥜", []string{"amoxicillin"}, []string{"latex 🥜"}, true},
		{"latex \xff", []string{"amoxicillin"}, []string{"latex \xff"}, true},
	} {
		r := allergy.Check(c.text, c.names...)
		require.Equal(t, allergy.Result{Outcome: allergy.NotChecked, Unknown: c.unknown, MedicationKnown: c.known}, r, c.text)
	}
}

func TestAMedicationIsKnownByAnyOfItsNames(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{
		{"Zorblax", "amoxicillin"}, {"Amoxicillin Zorblax 500 mg", "amoxicillin"}, {"AMOXICILLIN 250 MG / Clavulanate 125 MG Oral Tablet"},
		{"amoxicilline 1 g, comprimés dispersibles", ""}, {"24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet"},
		{"insulin isophane, human 70 UNT/ML / insulin, regular, human 30 UNT/ML Injectable Suspension [Humulin]"},
		{"0.3 ML Epinephrine 1 MG/ML Auto-Injector"}, {"Penicillin V Potassium 250 MG Oral Tablet"}, {"NITROFURANTOIN, MACROCRYSTALS 50 MG Oral Capsule"},
		{"Acetaminophen 21.7 MG/ML / Dextromethorphan Hydrobromide 1 MG/ML / doxylamine succinate 0.417 MG/ML Oral Solution"},
	} {
		r := allergy.Check("latex", names...)
		require.True(t, r.MedicationKnown, names)
		require.Equal(t, allergy.Clear, r.Outcome, names)
	}
}

// Doubt, family and severity do not weaken an allergy.
func TestDoubtIsAnAllergy(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"?penicillin", "penicillin?", "possible penicillin allergy", "penicillin (mother)", "mother allergic to penicillin", "suspected PCN allergy, unconfirmed",
		"maybe penicillin", "Penicillin - told as a child", "mild reaction to penicillin once", "unknown reaction to penicillin", "reported penicillin intolerance",
	} {
		check(t, text, []string{"Amoxicillin"}, allergy.Conflict)
	}
}

// The words of the registration desk's demo data.
func TestWhatARegistrationDeskWrites(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Penicillin", "Sulfa drugs", "Aspirin", "Peanuts", "Amoxicillin", "Ibuprofen", "Latex", "Codeine", "Shellfish", "Bee venom", "Co-trimoxazole",
		"Eggs", "Diclofenac", "Cow's milk", "Dust mites", "Ciprofloxacin", "Pollen", "Erythromycin", "Morphine", "Quinine", "Iodine contrast",
		"Ceftriaxone", "Fish", "Sulfadoxine", "Metronidazole", "Chloroquine", "Tramadol", "Soya", "Wheat", "Tetracycline", "Cephalosporins", "Nuts",
		"Groundnuts", "Pénicilline", "Paracetamol", "Strawberries", "Adhesive tape", "Insect bites", "Metformin", "Gelatine",
	} {
		for _, remark := range []string{"", " (rash)", " (anaphylaxis)", " (swelling of the face)", " (childhood)", " (Stevens-Johnson syndrome)", " (mild rash)"} {
			check(t, text+remark, []string{"Salbutamol"}, allergy.Clear)
		}
	}
}
