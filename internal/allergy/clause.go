package allergy

import "slices"

// clause is a remark within a part: "penicillin" and "rash" in "penicillin (rash)".
type clause struct {
	begin, end int // of the part's tokens
	have       kinds
	denies     bool // says that none is known
}

// clauses parts the tokens at the breaks between remarks.
func (p *part) clauses() (all []clause) {
	add := func(begin, end int) {
		all = append(all, clause{begin, end, kindsIn(p.tokens[begin:end]), saysNone(p.tokens[begin:end])})
	}
	begin := 0
	for i, tok := range p.tokens {
		if tok.kind == breakClause {
			add(begin, i)
			begin = i + 1
		}
	}
	add(begin, len(p.tokens))
	return all
}

func kindsIn(tokens []token) (set kinds) {
	for _, tok := range tokens {
		set |= kindsOf(tok.kind)
	}
	return set
}

// plain reports whether all of a part that names an allergen is understood.
func (p *part) plain() bool {
	for _, c := range p.clauses() {
		if c.have&^(besideName|remarks|kindsOf(other)) != 0 {
			return false
		}
		if c.have&remarks != 0 && !c.remarkFits() {
			return false
		}
		if c.have.has(other) && !p.otherFits(c) {
			return false
		}
	}
	return true
}

// remarkFits: "tablets" says more of the allergen in its own clause, alone in a
// bracket, or in a heading such as "drug allergies:"; in a longer remark it may be
// another allergen.
func (c clause) remarkFits() bool {
	heading := c.begin == 0 && !c.have.has(noise)
	return c.have.has(name) || c.end-c.begin == 1 || heading || c.denies
}

// otherFits: "other antibiotics" and "no other allergies" leave nothing open.
func (p *part) otherFits(c clause) bool {
	denied := false
	for i := c.begin; i < c.end; i++ {
		switch k := p.tokens[i].kind; {
		case k == no, k == none:
			denied = true
		case k == other && !denied && (i+1 == c.end || p.tokens[i+1].kind != name):
			return false
		}
	}
	return true
}

// takenBack says of every token whether the text takes it back: "not allergic to
// penicillin", "penicillin: none". What "no" stands before is taken back only where
// the clause speaks of allergy: alone it is an order to avoid.
func (p *part) takenBack(before bool) []bool {
	back := make([]bool, len(p.tokens))
	taking := before && !p.have.has(allergy) && !p.have.has(noise) && (p.joined == and || p.joined == or)
	for _, c := range p.clauses() {
		ofAllergy := c.have.has(allergy) || c.have.has(noise)
		for i := c.begin; i < c.end; i++ {
			switch k := p.tokens[i].kind; {
			case k == except:
				taking = false
			case k == negation, k == no && ofAllergy:
				taking = true
			}
			back[i] = taking
		}
		p.negated = taking
		taking = false
	}
	for i := range max(p.denial(), 0) {
		back[i] = true
	}
	return back
}

// denial is where a statement begins that ends the part and takes back what stands
// before it, or -1. "No other allergies" and "no food allergies" take nothing back.
func (p *part) denial() int {
	begins := kindsOf(none, no, negation)
	for i, tok := range slices.Backward(p.tokens) {
		switch k := tok.kind; {
		case begins.has(k):
			return i
		case k == other, k == food, !noneWords.has(k):
			return -1
		}
	}
	return -1
}
