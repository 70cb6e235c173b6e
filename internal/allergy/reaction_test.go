package allergy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/allergy"
)

func relation(t *testing.T, known, given string) string {
	t.Helper()
	r := allergy.Check(known, given)
	require.True(t, r.MedicationKnown, given)
	require.Empty(t, r.Unknown, known)
	if len(r.Findings) == 0 {
		return ""
	}
	return r.Findings[0].Relation
}

func TestRelationsInBothDirections(t *testing.T) {
	t.Parallel()
	const class, cross = allergy.SameClass, allergy.CrossReaction
	for _, c := range []struct{ a, b, want string }{
		{"amoxicillin", "ampicillin", class}, {"penicillin V", "flucloxacillin", class}, {"cefalexin", "ceftriaxone", class},
		{"amoxicillin", "cefalexin", cross}, {"ampicillin", "cefaclor", cross}, {"amoxicillin", "cefadroxil", cross}, {"penicillin G", "cefazolin", cross},
		{"penicillin V", "ceftriaxone", cross}, {"amoxicillin", "meropenem", cross}, {"cefalexin", "meropenem", cross}, {"aztreonam", "ceftazidime", cross},
		{"aztreonam", "ceftriaxone", ""}, {"aztreonam", "amoxicillin", ""}, {"amoxicillin", "azithromycin", ""},
		{"sulfamethoxazole", "sulfadoxine", class}, {"sulfadiazine", "sulfasalazine", class}, {"sulfadoxine", "dapsone", cross},
		{"sulfamethoxazole", "furosemide", ""}, {"sulfamethoxazole", "gliclazide", ""}, {"sulfamethoxazole", "celecoxib", ""}, {"sulfamethoxazole", "hydrochlorothiazide", ""},
		{"aspirin", "ibuprofen", class}, {"diclofenac", "naproxen", class}, {"ibuprofen", "celecoxib", cross}, {"ibuprofen", "paracetamol", ""}, {"aspirin", "paracetamol", ""},
		{"morphine", "codeine", class}, {"fentanyl", "pethidine", class}, {"morphine", "fentanyl", ""}, {"methadone", "morphine", ""}, {"tramadol", "tapentadol", class}, {"tramadol", "codeine", cross},
		{"erythromycin", "azithromycin", class}, {"ciprofloxacin", "levofloxacin", class}, {"doxycycline", "tetracycline", class}, {"gentamicin", "neomycin", class},
		{"clindamycin", "lincomycin", class}, {"erythromycin", "clindamycin", ""}, {"vancomycin", "teicoplanin", class}, {"metronidazole", "tinidazole", class}, {"fluconazole", "ketoconazole", class},
		{"artemether", "artesunate", class}, {"quinine", "quinidine", class}, {"quinine", "mefloquine", cross}, {"chloroquine", "hydroxychloroquine", class}, {"chloroquine", "artesunate", ""}, {"quinine", "chloroquine", ""},
		{"lidocaine", "bupivacaine", class}, {"procaine", "benzocaine", class}, {"lidocaine", "procaine", ""},
		{"enalapril", "lisinopril", class}, {"enalapril", "losartan", cross}, {"losartan", "valsartan", class}, {"simvastatin", "atorvastatin", class},
		{"phenytoin", "carbamazepine", class}, {"carbamazepine", "lamotrigine", class}, {"phenytoin", "valproate", ""}, {"heparin", "enoxaparin", class},
		{"isoniazid", "pyrazinamide", class}, {"isoniazid", "ethionamide", class}, {"rifampicin", "rifabutin", class}, {"isoniazid", "rifampicin", ""},
		{"furosemide", "bumetanide", class}, {"atenolol", "propranolol", class}, {"omeprazole", "pantoprazole", class}, {"iohexol", "iopamidol", class},
		{"rocuronium", "suxamethonium", class}, {"nevirapine", "efavirenz", ""}, {"abacavir", "lamivudine", ""}, {"metformin", "glibenclamide", ""}, {"glibenclamide", "gliclazide", class},
	} {
		require.Equal(t, c.want, relation(t, c.a, c.b), "allergy to %s, given %s", c.a, c.b)
		require.Equal(t, c.want, relation(t, c.b, c.a), "allergy to %s, given %s", c.b, c.a)
	}
}

func TestRelationsInOneDirection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ allergy, given string }{
		{"eggs", "propofol"}, {"soya", "Diprivan"}, {"peanut", "dimercaprol"}, {"egg", "yellow fever vaccine"}, {"gelatin", "MMR vaccine"},
		{"iodine", "Omnipaque"}, {"iodine", "amiodarone"}, {"red meat", "cetuximab"}, {"fish", "protamine"}, {"nuts", "Utrogestan"},
	} {
		require.Equal(t, allergy.CrossReaction, relation(t, c.allergy, c.given), c)
	}
	for _, c := range []struct{ allergy, given string }{{"shellfish", "iohexol"}, {"latex", "propofol"}, {"fish", "iohexol"}, {"egg", "amoxicillin"}} {
		require.Empty(t, relation(t, c.allergy, c.given), c)
	}
}

func TestTheReasonSaysWhatADoctorNeeds(t *testing.T) {
	t.Parallel()
	reason := func(known, given string) string { return allergy.Check(known, given).Findings[0].Reason }
	require.Equal(t, "Augmentin contains amoxicillin, and the record of allergies names penicillins. All penicillins share the same ring: "+
		"one penicillin is not given for another before the allergy is ruled out.", reason("PCN", "Augmentin"))
	require.Equal(t, "Paracetamol 1 g contains paracetamol, which the record of allergies names.", reason("Tylenol", "Paracetamol 1 g"))
	require.Equal(t, "Rocephin contains ceftriaxone, and the record of allergies names amoxicillin. The risk is low, below 2 in 100, because the side chains differ; "+
		"after a severe reaction ask an allergist.", reason("amoxil", "Rocephin"))
	require.Equal(t, "Brufen contains ibuprofen, and the record of allergies names aspirin: both are NSAIDs. A reaction to one NSAID or to aspirin often recurs "+
		"with the others, which act on the same enzyme.", reason("ASA", "Brufen"))
	require.Contains(t, reason("amaxicylxn", "amoxicillin"), "spelled differently")
}
