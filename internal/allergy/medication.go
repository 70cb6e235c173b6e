package allergy

import (
	"slices"
	"strings"
)

// medication is what the names of one medication say.
type medication struct {
	contents   []contained
	words      []unknownWord // that the table does not know
	understood bool
}

// contained is a substance, or the class that was named instead, with the name that
// says so, as given.
type contained struct {
	concept int
	name    string
	weak    bool
}

type unknownWord struct{ text, sound, name string }

// mostWords bounds the unknown words of a name that are compared with the allergies:
// a name has a handful, and the bound keeps a very long one from costing its square.
const mostWords = 64

// component is one side of "amoxicillin + clavulanate".
type component struct{ named, strange bool }

func (t *table) medication(names []string) (m medication) {
	complete, doubtful := false, false
	for _, n := range names {
		named, strange, stranger := false, false, false
		for _, c := range t.components(n, &m) {
			named = named || c.named
			strange = strange || c.strange
			stranger = stranger || c.strange && !c.named
		}
		complete = complete || named && !strange
		// One unknown ingredient beside known ones is not borne out by another name.
		doubtful = doubtful || named && stranger
	}
	m.understood = complete && !doubtful
	return m
}

// components reads one name into m and says of each component whether it names a
// substance and whether it has words that the table does not know.
func (t *table) components(medicationName string, m *medication) []component {
	all := []component{{}}
	for _, tok := range t.read(medicationName) {
		c := &all[len(all)-1]
		switch tok.kind {
		case name:
			t.contains(tok, medicationName, m, c)
		case breakPart, and, or, except:
			all = append(all, component{})
		case word, none, no, negation, unsure, other, anyOf:
			c.strange = c.strange || len(tok.text) > 1
			m.addWord(tok.text, medicationName)
		}
	}
	return all
}

// contains notes what a name stands for. A food or a material in a name is compared
// with the allergies, but does not make the medication known; nor does a guess.
func (t *table) contains(tok token, medicationName string, m *medication, c *component) {
	for _, id := range tok.concepts {
		if !slices.ContainsFunc(m.contents, func(c contained) bool { return c.concept == id && (!c.weak || tok.weak) }) {
			m.contents = append(m.contents, contained{id, medicationName, tok.weak})
		}
		if t.concepts[id].drug && !tok.weak {
			c.named = true
		} else {
			c.strange = true
		}
	}
	if tok.weak {
		m.addWord(tok.text, medicationName)
	}
}

func (m *medication) addWord(text, medicationName string) {
	if len(m.words) < mostWords && len(text) > 1 {
		m.words = append(m.words, unknownWord{text, soundIfGuessable(text), medicationName})
	}
}

// named finds a medication that the table does not know, by its words.
func (m *medication) named(c claim) []Finding {
	written := unknownWord{text: c.word, sound: soundIfGuessable(c.word)}
	i := slices.IndexFunc(m.words, written.same)
	if i < 0 {
		return nil
	}
	return []Finding{{
		Allergy: c.part, Medication: m.words[i].name, Substance: c.word, Relation: SameSubstance,
		Reason: "The record of allergies names “" + c.word + "”, as does the medication; the table of substances does not know it.",
	}}
}

// same compares two unknown words as strictly as names of the table are compared.
func (w unknownWord) same(as unknownWord) bool {
	if w.text == as.text {
		return true
	}
	if w.sound == "" || as.sound == "" {
		return false
	}
	if strings.Contains(w.text, as.text) || strings.Contains(as.text, w.text) {
		return true
	}
	limit := editLimit(w.text)
	return w.sound[0] == as.sound[0] && editDistance(w.sound, as.sound, limit) <= limit
}

func soundIfGuessable(text string) string {
	if !guessable(text) {
		return ""
	}
	return soundOf(text)
}
