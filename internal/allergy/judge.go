package allergy

import "slices"

var (
	// Words that a statement that none is known is made of.
	noneWords = kindsOf(none, no, negation, known, allergy, drugs, food, anyOf, other, glue, number, breakClause)
	// Words that say nothing of their own.
	quietWords = kindsOf(allergy, glue, noise, number, question, breakClause)
	// Words that may stand beside an allergen.
	besideName = quietWords | kindsOf(name, none, no, negation, known, anyOf, except, and, or)
	// Words of what kind an allergen is, which alone may stand for another one.
	remarks = kindsOf(drugs, food, form)
)

// judge says what a part comes to and collects its claims. taken is whether the part
// before ended in taking back, which "and" and "or" carry on.
func (t *table) judge(p *part, taken bool) {
	switch {
	case p.have.has(name):
		t.judgeNamed(p, taken)
	case p.only(kindsOf(breakClause)):
		p.verdict = empty
		p.negated = taken && (p.joined == and || p.joined == or)
	case saysNone(p.tokens):
		p.verdict = scopeOfNone(p)
	case p.only(quietWords), p.have.has(noise) && p.only(quietWords|kindsOf(no, negation, known, anyOf)):
		p.verdict = quiet
		p.negated = taken && (p.joined == and || p.joined == or)
	default:
		p.verdict = strange
		t.claimWords(p, taken)
	}
	if !p.have.has(name) && !p.negated {
		p.negated = p.have.has(negation) || p.have.has(no) && p.have&kindsOf(allergy, noise, known) != 0
	}
}

func (p *part) only(of kinds) bool { return p.have&^of == 0 }

// saysNone reports whether the tokens say that no allergy is known, and nothing else.
// "No medicines" is no such statement without a word of allergy.
func saysNone(tokens []token) bool {
	have := kindsIn(tokens)
	if have&^noneWords != 0 {
		return false
	}
	ofAllergy := have.has(allergy) || have.has(known)
	scoped := have.has(drugs) || have.has(food)
	switch {
	case have.has(none):
		return true
	case have.has(no):
		return ofAllergy || !scoped
	}
	return have.has(negation) && have.has(allergy)
}

// scopeOfNone tells "no allergies" from "no food allergies" and "no others".
func scopeOfNone(p *part) verdict {
	if p.have.has(other) || p.have.has(food) && !p.have.has(drugs) {
		return noneSome
	}
	return noneAll
}

// judgeNamed reads a part that names an allergen. A medicine that is taken back leaves
// the part not understood: it is no conflict, and nothing is promised of it. A food or
// a material that is taken back is as harmless as "no food allergies".
func (t *table) judgeNamed(p *part, taken bool) {
	p.verdict = claims
	if !p.plain() {
		p.verdict = strange
	}
	back := p.takenBack(taken)
	for i, tok := range p.tokens {
		switch {
		case tok.kind != name && tok.kind != word:
		case !back[i]:
			t.claim(p, tok)
		case slices.ContainsFunc(tok.concepts, func(id int) bool { return t.concepts[id].drug }):
			p.verdict = strange
		}
	}
	if len(p.claims) == 0 && p.verdict == claims {
		p.verdict = noneSome
	}
}

// claim adds an allergy. A guess is an unknown word as well, and an additive can be in
// any medicine: with either the part is not understood.
func (t *table) claim(p *part, tok token) {
	if tok.kind == name {
		p.claims = append(p.claims, claim{part: p.text, concepts: tok.concepts, weak: tok.weak})
	}
	if tok.kind == word || tok.weak {
		p.claims = append(p.claims, claim{part: p.text, word: tok.text})
		p.verdict = strange
	}
	for _, id := range tok.concepts {
		if t.concepts[id].above.has(t.excipient) {
			p.verdict = strange
		}
	}
}

// claimWords adds the unknown words of a part that names nothing known.
func (t *table) claimWords(p *part, taken bool) {
	back := p.takenBack(taken)
	for i, tok := range p.tokens {
		if tok.kind == word && !back[i] {
			t.claim(p, tok)
		}
	}
}
