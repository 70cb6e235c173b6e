package patient_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/patient"
)

func TestJoinAllergies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ own, other, want string }{
		"nothing":              {"", "", ""},
		"only the other's":     {"", "Latex,\nnuts", "Latex,\nnuts"},
		"only the own":         {"Latex,\nnuts", "", "Latex,\nnuts"},
		"both":                 {"Penicillin", "Latex; nuts", "Penicillin; Latex; nuts"},
		"without repeating":    {"Penicillin, latex", "LATEX\npenicillin ;Nuts,nuts", "Penicillin, latex; Nuts"},
		"denied and known":     {"NKDA", "Penicillin", "NKDA; Penicillin"},
		"spaces do not matter": {"Bee  stings", "bee stings", "Bee  stings"},
		"a reaction stays whole": {"Sulfa: rash, fever", "Penicillin (rash, fever); latex: fever, rash",
			"Sulfa: rash, fever; Penicillin (rash, fever); latex: fever, rash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := patient.JoinAllergies(c.own, c.other)
			require.True(t, ok)
			require.Equal(t, c.want, got)
		})
	}
	_, ok := patient.JoinAllergies(strings.Repeat("é", 6000), strings.Repeat("ü", 3998))
	require.True(t, ok, "10,000 characters")
	_, ok = patient.JoinAllergies(strings.Repeat("é", 6000), strings.Repeat("ü", 3999))
	require.False(t, ok)
}
