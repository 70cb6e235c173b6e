package allergy

import "math/bits"

type strength uint8

const (
	unrelated strength = iota
	crossReaction
	sameClass
	sameSubstance
)

func (s strength) String() string {
	return [...]string{"", CrossReaction, SameClass, SameSubstance}[s]
}

// relation is how an allergen stands to what a medicine contains.
type relation struct {
	strength strength
	both     string // the class that they share
	note     string
}

func (t *table) relate(allergen, content int) relation {
	a, c := &t.concepts[allergen], &t.concepts[content]
	switch {
	case allergen == content && !a.class:
		return relation{strength: sameSubstance}
	case c.above.has(allergen):
		return relation{strength: sameClass, note: a.note}
	case a.above.has(content):
		return relation{strength: sameClass, note: c.note}
	}
	if id := t.sharedClass(a, c); id >= 0 {
		return relation{sameClass, t.concepts[id].name, t.concepts[id].note}
	}
	for _, r := range t.rules {
		if a.reach.has(r.left) && c.reach.has(r.right) || r.mutual && a.reach.has(r.right) && c.reach.has(r.left) {
			return relation{strength: crossReaction, note: r.note}
		}
	}
	return relation{}
}

// sharedClass is a class of both whose members count against each other, or -1.
func (t *table) sharedClass(a, c *concept) int {
	for i, reacting := range t.reacting {
		if shared := a.above[i] & c.above[i] & reacting; shared != 0 {
			return i*64 + bits.TrailingZeros64(shared)
		}
	}
	return -1
}

// reason is what a doctor is told of a relation.
func (t *table) reason(r relation, medication string, content, allergen int) string {
	link := "contains"
	if t.concepts[content].class {
		link = "belongs to the"
	}
	told := medication + " " + link + " " + t.concepts[content].name
	switch {
	case allergen == content:
		told += ", which the record of allergies names."
	case r.both != "":
		told += ", and the record of allergies names " + t.concepts[allergen].name + ": both are " + r.both + "."
	default:
		told += ", and the record of allergies names " + t.concepts[allergen].name + "."
	}
	if r.note != "" {
		told += " " + r.note
	}
	return told
}
