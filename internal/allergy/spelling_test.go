package allergy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/allergy"
)

func TestMisspellings(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"amoxicilin", "amoxicillin"}, {"amoxycillin", "amoxicillin"}, {"amoxicylin", "amoxicillin"}, {"amoxacillin", "amoxicillin"}, {"penicilin", "penicillin"},
		{"pencillin", "penicillin"}, {"pennicillin", "penicillin"}, {"penisilin", "penicillin"}, {"metro nidazole", "metronidazole"}, {"asprin", "aspirin"}, {"aspirine", "aspirin"},
		{"ibuprophen", "ibuprofen"}, {"ibuprofin", "ibuprofen"}, {"diclofenec", "diclofenac"}, {"diclophenac", "diclofenac"}, {"ciprofloxacine", "ciprofloxacin"},
		{"cotrimoxasole", "co-trimoxazole"}, {"kotrimoxazole", "co-trimoxazole"}, {"septrine", "septrin"}, {"sulfadoxin", "sulfadoxine"}, {"sulphadoxine", "sulfadoxine"},
		{"erythromicin", "erythromycin"}, {"eritromycin", "erythromycin"}, {"cephalexine", "cefalexin"}, {"metronidazol", "metronidazole"}, {"flagil", "flagyl"},
		{"chloroquin", "chloroquine"}, {"kloroquine", "chloroquine"}, {"fenitoin", "phenytoin"}, {"morfine", "morphine"}, {"paracetemol", "paracetamol"},
		{"tetracyclin", "tetracycline"}, {"codein", "codeine"}, {"gentamycin", "gentamicin"}, {"cefuroxim", "cefuroxime"}, {"carbamazepin", "carbamazepine"},
	} {
		r := allergy.Check(c[0], c[1])
		require.Equal(t, allergy.Conflict, r.Outcome, c)
		require.Empty(t, r.Unknown, c)
		require.Equal(t, allergy.Clear, allergy.Check(c[0], "insulin").Outcome, c)
		r = allergy.Check(c[1], c[0])
		require.Equal(t, allergy.Conflict, r.Outcome, c)
		require.True(t, r.MedicationKnown, c)
	}
}

// A guess that is far off, or that two names fit, counts against all that it may
// mean and promises nothing of the others.
func TestAWeakGuess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text      string
		conflicts []string
	}{
		{"amaxicylxn", []string{"amoxicillin", "ampicillin"}},
		{"prednisoone", []string{"prednisone", "prednisolone"}},
		{"aspir", nil}, {"quinn", nil}, {"later", nil},
	} {
		r := allergy.Check(c.text, "metformin")
		require.Equal(t, allergy.NotChecked, r.Outcome, "%q: %+v", c.text, r)
		for _, given := range c.conflicts {
			require.Equal(t, allergy.Conflict, allergy.Check(c.text, given).Outcome, "%q against %s", c.text, given)
		}
	}
	r := allergy.Check("latex", "amaxicylxn")
	require.False(t, r.MedicationKnown, "a weak guess does not make a medication known")
}

// Names that look alike are told apart: neither is taken for a misspelling of the other.
func TestLookAlikes(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"chlorpromazine", "chlorpropamide"}, {"hydralazine", "hydroxyzine"}, {"clonidine", "clonazepam"}, {"quinine", "clonidine"}, {"prednisone", "primidone"},
		{"losec", "lasix"}, {"lamictal", "lamisil"}, {"cycloserine", "ciclosporin"}, {"sulfadiazine", "sulpiride"}, {"metformin", "metronidazole"}, {"carbamazepine", "carbimazole"},
		{"nifedipine", "nimesulide"}, {"tramadol", "trazodone"}, {"zantac", "xanax"}, {"celebrex", "cerebyx"}, {"dopamine", "dobutamine"}, {"ephedrine", "epinephrine"},
		{"cetirizine", "cefixime"}, {"actos", "actonel"}, {"diamox", "zyloric"}, {"amlodipine", "amiloride"}, {"methyldopa", "levodopa"},
		{"fluconazole", "flucloxacillin"}, {"fluoxetine", "fluvastatin"}, {"lansoprazole", "aripiprazole"}, {"rifampicin", "erythromycin"}, {"quinidine", "clonidine"},
	} {
		for _, r := range []allergy.Result{allergy.Check(pair[0], pair[1]), allergy.Check(pair[1], pair[0])} {
			require.Equal(t, allergy.Clear, r.Outcome, "%v: %+v", pair, r)
		}
	}
	for _, pair := range [][2]string{{"cefalexin", "cefazolin"}, {"cefalexin", "cefaclor"}, {"prednisone", "prednisolone"}, {"vinblastine", "vincristine"}} {
		require.Equal(t, allergy.SameClass, allergy.Check(pair[0], pair[1]).Findings[0].Relation, pair)
	}
}
