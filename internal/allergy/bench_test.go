package allergy_test

import (
	"strings"
	"testing"

	"chelal/internal/allergy"
)

// Long texts of every kind of word: the time must grow with the length, not its square.
func BenchmarkLongText(b *testing.B) {
	for _, repeated := range []string{
		"no ", "tablets ", "not allergic ", "x", "xq ", "a, ", "? ", "(", "((rash", "- ", "penicilin ", "or ", "drug, food or ", "zqrblaxin ", "other ", "'", "\xff",
		"penicillin, aspirin, codeine, lisinopril; ", "known allergies to drugs and ",
	} {
		text := strings.Repeat(repeated, 10000/len(repeated))
		b.Run(repeated, func(b *testing.B) {
			for b.Loop() {
				allergy.Check(text, "Zorblax", text)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for name, text := range map[string]string{
		"none":        "No known drug allergies",
		"usual":       "Penicillin (rash); Aspirin, latex",
		"misspelled":  "amoxicilin, ibuproffen and sulfametoxazol",
		"10000 known": strings.Repeat("Penicillin (rash); Aspirin, latex. ", 286)[:10000],
		"10000 odd":   strings.Repeat("penzorblin caltrixamol abacurdine xeomethrin ", 230)[:10000],
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				allergy.Check(text, "Augmentin 625 mg tablets", "amoxicillin/clavulanic acid")
			}
		})
	}
}
