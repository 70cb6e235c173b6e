package allergy

import (
	"strings"
	"unicode"
)

// record is what the text of the known allergies says.
type record struct {
	claims  []claim  // allergens, in the order of the text
	unknown []string // parts that were not understood, as written
	says    bool     // at least one allergen, or that none is known
}

// claim is an allergy: to what a name stands for, or to an unknown word.
type claim struct {
	part     string
	concepts []int
	word     string
	weak     bool
}

// part is what stands between two separators.
type part struct {
	text    string
	tokens  []token
	have    kinds // of the tokens
	joined  kind  // by what the part was joined to the one before
	negated bool  // it ended in taking back
	claims  []claim
	verdict verdict
}

// verdict is what a part comes to.
type verdict uint8

const (
	claims   verdict = iota // understood, with an allergen
	noneAll                 // no allergy is known
	noneSome                // none to food, or no others: true beside something else
	quiet                   // a reaction, a date: it belongs to another part
	empty
	strange // not understood
)

func (t *table) record(text string) (r record) {
	parts := split(text, t.read(text))
	denied := false
	for i := range parts {
		p := &parts[i]
		t.judge(p, i > 0 && parts[i-1].negated)
		r.claims = append(r.claims, p.claims...)
		denied = denied || p.verdict == noneAll
		r.says = r.says || len(p.claims) > 0 || p.verdict == noneAll
	}
	listed := map[string]bool{}
	for i := range parts {
		if p := &parts[i]; p.doubtful(r.says, denied) && !listed[p.text] {
			listed[p.text] = true
			r.unknown = append(r.unknown, p.text)
		}
	}
	if text = strings.TrimSpace(text); !r.says && len(r.unknown) == 0 && text != "" {
		r.unknown = []string{text}
	}
	return r
}

// doubtful reports whether a part keeps the text from being understood, given whether
// the text says anything and whether it says that nothing is known. "Rash" belongs to
// an allergen; beside "none known" it belongs to nothing.
func (p *part) doubtful(says, denied bool) bool {
	switch p.verdict {
	case strange:
		return true
	case noneSome:
		return !says
	case quiet:
		return !says || denied && (p.joined == except || p.have&kindsOf(noise, question) != 0)
	case empty:
		return denied && p.joined == except
	}
	return false
}

// split parts the tokens at separators. In brackets "and" joins remarks to one part.
func split(text string, tokens []token) (parts []part) {
	begin, from, joined := 0, 0, breakPart
	flush := func(end, to int) {
		written := strings.TrimFunc(text[from:to], func(r rune) bool { return unicode.IsSpace(r) || r == '-' || r == '.' })
		parts = append(parts, part{text: written, tokens: tokens[begin:end], have: kindsIn(tokens[begin:end]), joined: joined})
	}
	for i, tok := range tokens {
		inside := tok.inside && tok.kind != breakPart
		if inside || !kindsOf(breakPart, and, or, except).has(tok.kind) {
			continue
		}
		if listsScope(tokens, i) {
			tokens[i].kind = glue
			continue
		}
		flush(i, tok.from)
		begin, from, joined = i+1, tok.to, tok.kind
	}
	flush(len(tokens), len(text))
	return parts
}

// listsScope reports whether the separator at i stands in a list as in "no known food,
// drug or other allergies", which is one statement.
func listsScope(tokens []token, i int) bool {
	if tokens[i].kind == except || i == 0 || i+1 == len(tokens) {
		return false
	}
	before, after := tokens[i-1].kind, tokens[i+1].kind
	listed := kindsOf(drugs, food, other, and, or, glue)
	return kindsOf(drugs, food).has(before) && listed.has(after) || tokens[i].kind != breakPart && before == glue && kindsOf(drugs, food, other).has(after)
}
