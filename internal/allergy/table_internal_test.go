package allergy

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Wrong references, fields and directions, and a name with two meanings, are problems.
func TestTheTableIsWellFormed(t *testing.T) {
	t.Parallel()
	require.Empty(t, theTable().problems)
}

func TestTheTableCoversAHospital(t *testing.T) {
	t.Parallel()
	table := theTable()
	var substances, classes, others int
	for _, c := range table.concepts {
		switch {
		case c.class:
			classes++
		case c.drug:
			substances++
		default:
			others++
		}
	}
	brands := 0
	for _, file := range []string{"anti-infectives", "pain-anaesthesia", "heart-hormones", "other-medicines"} {
		table.each(file, 4, func(_ string, f []string) { brands += len(list(f[3], ",")) })
	}
	t.Logf("%d substances, %d classes, %d other allergens, %d brands of one substance, %d names and words, %d rules",
		substances, classes, others, brands, len(table.entries), len(table.rules))
	require.GreaterOrEqual(t, substances, 250)
	require.GreaterOrEqual(t, classes, 40)
	require.GreaterOrEqual(t, brands, 300)
}

func TestEveryClassHasMembersAndEveryReactionASource(t *testing.T) {
	t.Parallel()
	table := theTable()
	members := map[int]int{}
	for _, c := range table.concepts {
		for _, p := range c.parents {
			members[p]++
		}
	}
	for id, c := range table.concepts {
		if c.class {
			require.Positive(t, members[id], c.name)
		}
	}
	sources := strings.Fields("EML ATC INN PP22 CG183 BSACI ENDA STROM ACR ACIP LABEL")
	cited := func(at string, f []string) {
		for _, s := range list(f[len(f)-1], ",") {
			require.Contains(t, sources, s, at)
		}
		require.NotEmpty(t, f[len(f)-1], at)
	}
	table.each("classes", 6, cited)
	table.each("crossreactions", 5, func(at string, f []string) {
		cited(at, f)
		require.True(t, strings.HasSuffix(f[3], "."), at)
		require.NotEqual(t, f[0], f[2], at)
	})
}

func TestCombinationsHaveSeveralSubstances(t *testing.T) {
	t.Parallel()
	theTable().each("combinations", 2, func(at string, f []string) {
		require.Greater(t, len(list(f[0], "+")), 1, at)
	})
}

// Whoever is allergic to one of a class is allergic to the others, unless a rule says
// that it holds in one direction only.
func TestRelationsAreMutualWhereTheTableSaysSo(t *testing.T) {
	t.Parallel()
	table := theTable()
	oneWay := func(a, b *concept) bool {
		for _, r := range table.rules {
			if !r.mutual && (a.reach.has(r.left) && b.reach.has(r.right) || b.reach.has(r.left) && a.reach.has(r.right)) {
				return true
			}
		}
		return false
	}
	for a := range table.concepts {
		for b := range a {
			there, back := table.relate(a, b), table.relate(b, a)
			if there.strength != back.strength && !oneWay(&table.concepts[a], &table.concepts[b]) {
				t.Errorf("%s and %s: %v, %v", table.concepts[a].name, table.concepts[b].name, there.strength, back.strength)
			}
		}
	}
}

// Every name of the table, written alone, is an allergy that is understood and that
// stands against a medication of that name.
func TestEveryNameIsUnderstood(t *testing.T) {
	t.Parallel()
	table := theTable()
	for text, e := range table.entries {
		if e.kind != name {
			continue
		}
		r := Check(text, text)
		require.Equal(t, Conflict, r.Outcome, text)
		additive := table.concepts[e.concepts[0]].above.has(table.excipient)
		require.Equal(t, additive, len(r.Unknown) > 0, text)
		require.Equal(t, table.concepts[e.concepts[0]].drug, r.MedicationKnown, text)
	}
}

func TestNormalIsIdempotent(t *testing.T) {
	t.Parallel()
	for r := rune(1); r <= unicode.MaxRune; r++ {
		once := string(foldRune(nil, r))
		var twice []byte
		for _, f := range once {
			twice = foldRune(twice, f)
		}
		if once != string(twice) {
			t.Fatalf("%q gives %q, which gives %q", r, once, twice)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		once := normal(rapid.String().Draw(t, "text"))
		require.Equal(t, once, normal(once))
	})
}

func TestNormal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"  PÉNICILLINE  V":  "penicilline v",
		"Pe\u0301nicilline": "penicilline",
		"Co-trimoxazole":    "co trimoxazole",
		"cow’s milk":        "cows milk",
		"l'œuf":             "l oeuf",
		"Nüsse, Eiweiß":     "nusse eiweiss",
		"vitamin B12":       "vitamin b 12",
		"h/o rash":          "h/o rash",
		"TMP/SMX":           "tmp smx",
		"حساسيّة":           "حساسية",
		"ﬁsh ½ Keflex®":     "fish ½ keflex",
	} {
		require.Equal(t, want, normal(text), text)
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "ab", 1}, {"abc", "abcd", 1},
		{"abc", "xbc", 1}, {"abcd", "badc", 2}, {"abc", "xyz", 3}, {"aspirin", "insulin", 3},
	} {
		require.Equal(t, c.want, editDistance(c.a, c.b, 2), c)
		require.Equal(t, c.want, editDistance(c.b, c.a, 2), c)
	}
}

func TestSoundOf(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"amoxicillin", "amoxycilin"}, {"phenytoin", "fenitoin"}, {"cotrimoxazole", "kotrimoxazole"},
		{"chloroquine", "kloroquine"}, {"cefuroxime", "zefuroxime"}, {"sulphadoxine", "sulfadoxine"},
	} {
		require.Equal(t, soundOf(same[0]), soundOf(same[1]))
	}
}
