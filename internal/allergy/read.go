package allergy

// token is a word or phrase of a text with its meaning, or a break.
type token struct {
	kind     kind
	concepts []int  // of a name
	weak     bool   // the spelling may mean something else
	text     string // folded
	from, to int    // in the source
	inside   bool   // brackets
}

// read takes a text apart and looks everything up, the longest phrases first.
func (t *table) read(source string) []token {
	s := scanText(source)
	tokens := make([]token, 0, len(s.lexemes))
	for i := 0; i < len(s.lexemes); {
		n, e := t.lookUp(s, i)
		first, last := s.lexemes[i], s.lexemes[i+n-1]
		tokens = append(tokens, token{
			kind: e.kind, concepts: e.concepts,
			text: string(s.norm[first.begin:last.end]), from: first.from, to: last.to, inside: first.inside,
		})
		i += n
	}
	return t.correct(tokens)
}

// lookUp returns what begins at lexeme i and of how many lexemes it is.
func (t *table) lookUp(s *scan, i int) (int, entry) {
	run := 0
	for run < t.longest && i+run < len(s.lexemes) && s.lexemes[i+run].kind <= number {
		run++
	}
	for n := run; n > 0; n-- {
		if e, ok := t.entries[string(s.norm[s.lexemes[i].begin:s.lexemes[i+n-1].end])]; ok {
			return n, e
		}
	}
	return 1, entry{kind: s.lexemes[i].kind}
}

// correct replaces unknown words by the names that they misspell, also where a name
// was written in two or three words.
func (t *table) correct(tokens []token) []token {
	const widest = 3
	corrected := tokens[:0]
	for i := 0; i < len(tokens); {
		run := 0
		for run < widest && i+run < len(tokens) && tokens[i+run].kind == word {
			run++
		}
		merged, n := tokens[i], 1
		for width := run; width > 0; width-- {
			if m, ok := t.sounds.match(tokens[i : i+width]); ok {
				merged, n = m, width
				break
			}
		}
		corrected = append(corrected, merged)
		i += n
	}
	return corrected
}
