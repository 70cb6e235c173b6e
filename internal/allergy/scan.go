package allergy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexeme is a word, a number or a break. Its text is norm[begin:end] of the scan, and
// source[from:to] is what was written.
type lexeme struct {
	kind       kind
	begin, end int
	from, to   int
	inside     bool // brackets
}

// scan takes a text apart. The words in norm are folded, with one space between them.
type scan struct {
	source  string
	norm    []byte
	lexemes []lexeme
	open    shape // of the word being written, shapeSpace when there is none
	depth   int   // of brackets
}

func scanText(source string) *scan {
	s := &scan{source: source, norm: make([]byte, 0, len(source)+8)}
	var folded []byte
	for at, r := range source {
		width := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, width = utf8.DecodeRuneInString(source[at:])
		}
		folded = foldRune(folded[:0], r)
		for _, f := range string(folded) {
			s.take(f, at, at+width)
		}
	}
	return s
}

// normal is the text in the form in which the table holds its names.
func normal(source string) string { return string(scanText(source).norm) }

// take reads one folded character, written at source[from:to].
func (s *scan) take(r rune, from, to int) {
	switch sh := shapeOf(r); sh {
	case shapeLetter, shapeDigit, shapeSymbol:
		s.write(r, sh, from, to)
	case shapeSlash:
		if s.abbreviates() {
			s.write(r, shapeLetter, from, to)
			return
		}
		s.part(from, to)
	case shapeApostrophe:
		if !s.genitive(to) {
			s.open = shapeSpace
		}
	case shapeHyphen:
		if s.spaced(from, to) {
			s.add(breakClause, from, to)
		}
		s.open = shapeSpace
	case shapeStop:
		if s.sentenceEnds(to) {
			s.part(from, to)
		}
		s.open = shapeSpace
	case shapeOpen, shapeClose:
		s.bracket(sh, from, to)
	case shapeClause:
		s.add(breakClause, from, to)
	case shapeQuestion:
		s.add(question, from, to)
	case shapePart:
		s.part(from, to)
	case shapeLine:
		s.depth = 0
		s.part(from, to)
	default:
		s.open = shapeSpace
	}
}

// write adds a character to the open word, or opens one.
func (s *scan) write(r rune, sh shape, from, to int) {
	if s.open != sh {
		if len(s.norm) > 0 {
			s.norm = append(s.norm, ' ')
		}
		k := word
		if sh == shapeDigit {
			k = number
		}
		s.lexemes = append(s.lexemes, lexeme{kind: k, begin: len(s.norm), from: from, inside: s.depth > 0})
		s.open = sh
	}
	s.norm = utf8.AppendRune(s.norm, r)
	last := &s.lexemes[len(s.lexemes)-1]
	last.end, last.to = len(s.norm), to
}

func (s *scan) add(k kind, from, to int) {
	s.open = shapeSpace
	s.lexemes = append(s.lexemes, lexeme{kind: k, begin: len(s.norm), end: len(s.norm), from: from, to: to, inside: s.depth > 0})
}

// part begins another part of the text; in brackets it is still the same remark.
func (s *scan) part(from, to int) {
	if s.depth > 0 {
		s.add(breakClause, from, to)
		return
	}
	s.add(breakPart, from, to)
}

func (s *scan) bracket(sh shape, from, to int) {
	s.add(breakClause, from, to)
	switch {
	case sh == shapeOpen:
		s.depth++
	case s.depth > 0:
		s.depth--
	}
}

// abbreviates reports whether a slash belongs to the word, as in "h/o" and "n/a".
func (s *scan) abbreviates() bool {
	if s.open != shapeLetter {
		return false
	}
	last := s.lexemes[len(s.lexemes)-1]
	return utf8.RuneCount(s.norm[last.begin:last.end]) == 1
}

// genitive reports whether "s" or "t" alone follows, as in "cow's" and "don't".
func (s *scan) genitive(next int) bool {
	rest := s.source[next:]
	if s.open != shapeLetter || rest == "" || !strings.ContainsRune("sStT", rune(rest[0])) {
		return false
	}
	after, _ := utf8.DecodeRuneInString(rest[1:])
	return rest[1:] == "" || !unicode.IsLetter(after)
}

// spaced reports whether a hyphen stands beside a space or an end: a dash, not a join.
func (s *scan) spaced(from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(s.source[:from])
	after, _ := utf8.DecodeRuneInString(s.source[to:])
	return from == 0 || to == len(s.source) || unicode.IsSpace(before) || unicode.IsSpace(after)
}

// sentenceEnds tells a full stop from that of an abbreviation, which is short.
func (s *scan) sentenceEnds(next int) bool {
	const longAbbreviation = 3
	if s.open != shapeLetter {
		return false
	}
	last := s.lexemes[len(s.lexemes)-1]
	after, _ := utf8.DecodeRuneInString(s.source[next:])
	atEnd := next == len(s.source) || unicode.IsSpace(after)
	return atEnd && utf8.RuneCount(s.norm[last.begin:last.end]) > longAbbreviation
}
