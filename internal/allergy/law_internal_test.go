package allergy

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	separators = rapid.SampledFrom([]string{" ", ", ", "; ", "\n", " and ", " / ", " - ", " (", ") ", ". ", " but ", " or ", "? "})
	// listed are all words and phrases of the table.
	listed = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(theTable().entries)) })
	// invented are words that no name comes near to.
	invented = rapid.StringMatching(`[zx]q[a-z]{1,10}`).Filter(func(s string) bool { return len(theTable().read(s)) == 1 && theTable().read(s)[0].kind == word })
	// table words that name nothing and say nothing of "none".
	fillers = sync.OnceValue(func() []string {
		return slices.DeleteFunc(slices.Clone(listed()), func(text string) bool {
			return kindsOf(name, none, no, negation).has(theTable().entries[text].kind)
		})
	})
	medications = rapid.SampledFrom([]string{"amoxicillin", "Augmentin 625", "Septrin", "propofol", "paracetamol", "Zorblax", "insulin", ""})
)

func anyListed(t *rapid.T) string { return rapid.SampledFrom(listed()).Draw(t, "listed") }

func anyFiller(t *rapid.T) string {
	if rapid.Bool().Draw(t, "filler") {
		return rapid.SampledFrom(fillers()).Draw(t, "listed")
	}
	return invented.Draw(t, "invented")
}

func textOf(t *rapid.T, word func(*rapid.T) string) string {
	var b strings.Builder
	for range rapid.IntRange(1, 8).Draw(t, "words") {
		b.WriteString(word(t))
		b.WriteString(separators.Draw(t, "separator"))
	}
	return b.String()
}

// The law of the package: what was not understood is never clear.
func TestNothingKnownIsNeverClear(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := textOf(t, anyFiller)
		require.NotEqual(t, Clear, Check(text, medications.Draw(t, "medication")).Outcome, text)
	})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		for _, tok := range theTable().read(text) {
			if kindsOf(name, none, no, negation).has(tok.kind) {
				return
			}
		}
		require.NotEqual(t, Clear, Check(text, "paracetamol").Outcome, text)
	})
}

// One word that is not understood is enough, wherever it stands.
func TestAnUnknownWordIsNeverClear(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := textOf(t, anyListed), textOf(t, anyListed)
		text := before + invented.Draw(t, "invented") + separators.Draw(t, "separator") + after
		r := Check(text, medications.Draw(t, "medication"))
		require.NotEqual(t, Clear, r.Outcome, text)
		require.NotEmpty(t, r.Unknown, text)
	})
}

// More text never takes away a conflict, and the outcome follows from the rest of the
// result.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, more, medication := textOf(t, anyListed), textOf(t, anyListed), medications.Draw(t, "medication")
		r := Check(text, medication)
		require.Equal(t, r, Check(text, medication), "the same answer each time")
		require.Equal(t, len(r.Findings) > 0, r.Outcome == Conflict)
		if r.Outcome == Clear {
			require.Empty(t, r.Unknown)
		}
		if r.Outcome == NotChecked && r.MedicationKnown {
			require.NotEmpty(t, r.Unknown, text)
		}
		for _, f := range r.Findings {
			require.Contains(t, text, f.Allergy)
			require.Equal(t, medication, f.Medication)
			require.NotEmpty(t, f.Substance+f.Relation+f.Reason)
		}
		for _, u := range r.Unknown {
			require.Contains(t, text, u)
		}
		if r.Outcome == Conflict {
			require.Equal(t, Conflict, Check(more+"\n"+text, medication).Outcome)
			require.Equal(t, Conflict, Check(text+"\n"+more, medication).Outcome)
		}
	})
}

// One letter left out or exchanged with the next never turns an allergy into "clear".
func TestASlipOfThePenIsNeverClear(t *testing.T) {
	t.Parallel()
	for _, c := range theTable().concepts {
		if !c.drug || c.class || len(c.name) < twoEdits || strings.ContainsAny(c.name, " -") {
			continue
		}
		for i := 1; i < len(c.name)-1; i++ {
			left := c.name[:i] + c.name[i+1:]
			exchanged := c.name[:i] + c.name[i+1:i+2] + c.name[i:i+1] + c.name[i+2:]
			for _, slip := range []string{left, exchanged} {
				require.Equal(t, Conflict, Check(slip, c.name).Outcome, "%s for %s", slip, c.name)
				require.Equal(t, Conflict, Check(c.name, slip).Outcome, "%s for %s", slip, c.name)
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"", "NKDA", "Penicillin; Aspirin", "PCN - rash", "no known allergies except penicillin", "aucune allergie connue", "Hakuna mzio",
		"Allergique à l'amoxicilline (2019)", "لا توجد حساسية", "የታወቀ አለርጂ የለም", "((((", "))", "a/b/c", "l'", "'s", "- -", "\xff\xfe", "½ Pénicilline №", "İ ẞ ﬁ",
		"🥜", "h/o", "w/", "1.5 mg", "?", "penicillin.\nNKDA", strings.Repeat("no allergy to ", 50), strings.Repeat("(penicilin", 20),
	} {
		f.Add(seed, "amoxicillin 500 mg")
		f.Add("penicillin", seed)
	}
	f.Fuzz(func(t *testing.T, text, medication string) {
		r := Check(text, medication)
		require.Equal(t, r, Check(text, medication))
		require.Contains(t, []Outcome{Clear, Conflict, NotChecked}, r.Outcome)
		require.NotEqual(t, Clear, Check(text+"\nzqxjkv", "paracetamol").Outcome)
	})
}
