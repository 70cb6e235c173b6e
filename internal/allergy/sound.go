package allergy

import (
	"math/bits"
	"slices"
	"strings"
)

const (
	shortestGuess = 5  // letters of a word that may be misspelled
	longestGuess  = 30 // longer than any name
	firmLetters   = 6  // from here one wrong letter leaves no doubt
	twoEdits      = 8  // letters of a word that may have two wrong ones
)

// soundIndex finds names by how they are spelled, roughly. Names of the same first
// sound and length stand together.
type soundIndex map[soundBucket][]soundName

type soundBucket struct {
	first  byte
	length int
}

// soundName is one way to spell; different meanings that sound alike stand together.
type soundName struct {
	sound    string
	letters  uint32 // which ones occur, to pass over most names quickly
	meanings []entry
}

func indexSounds(entries map[string]entry) soundIndex {
	index := soundIndex{}
	for text, e := range entries {
		spelled := strings.ReplaceAll(text, " ", "")
		if !guessable(spelled) || hasLetterAlone(text) || e.kind != name && e.kind != allergy && e.kind != noise {
			continue
		}
		for _, form := range forms(spelled) {
			index.add(form, e)
		}
	}
	for _, names := range index {
		slices.SortFunc(names, func(a, b soundName) int { return strings.Compare(a.sound, b.sound) })
		for _, n := range names {
			slices.SortFunc(n.meanings, compareMeanings)
		}
	}
	return index
}

func (index soundIndex) add(sound string, e entry) {
	bucket := soundBucket{sound[0], len(sound)}
	names := index[bucket]
	i := slices.IndexFunc(names, func(n soundName) bool { return n.sound == sound })
	if i < 0 {
		index[bucket] = append(names, soundName{sound, lettersIn(sound), []entry{e}})
		return
	}
	names[i].meanings = addMeaning(names[i].meanings, e)
}

func addMeaning(to []entry, e entry) []entry {
	if slices.ContainsFunc(to, func(m entry) bool { return compareMeanings(m, e) == 0 }) {
		return to
	}
	return append(to, e)
}

func compareMeanings(a, b entry) int {
	if a.kind != b.kind {
		return int(a.kind) - int(b.kind)
	}
	return slices.Compare(a.concepts, b.concepts)
}

// hasLetterAlone keeps "penicillin v" out of what "penicilin" may mean.
func hasLetterAlone(text string) bool {
	return slices.ContainsFunc(strings.Fields(text), func(w string) bool { return len(w) == 1 })
}

// forms are the ways in which a word is compared: as it sounds, and as it is written,
// because a slip of the pen can change the sound.
func forms(spelled string) []string {
	if sound := soundOf(spelled); sound != spelled {
		return []string{sound, spelled}
	}
	return []string{spelled}
}

// guessable reports whether a spelling is of plain letters and long enough.
func guessable(spelled string) bool {
	plain := func(r rune) bool { return 'a' <= r && r <= 'z' }
	return len(spelled) >= shortestGuess && len(spelled) <= longestGuess &&
		!strings.ContainsFunc(spelled, func(r rune) bool { return !plain(r) })
}

// match reads words as one misspelled name. One meaning near by is taken for meant;
// several, or one further away, are all meant weakly.
func (index soundIndex) match(words []token) (token, bool) {
	var spelled strings.Builder
	for _, w := range words {
		spelled.WriteString(w.text)
	}
	if len(words) == 0 || !guessable(spelled.String()) {
		return token{}, false
	}
	length := spelled.Len()
	near, distance := index.near(spelled.String())
	if len(near) == 0 {
		return token{}, false
	}
	merged := token{kind: name, text: spelled.String(), from: words[0].from, to: words[len(words)-1].to, inside: words[0].inside}
	firm := len(near) == 1 && (distance == 0 || distance == 1 && length >= firmLetters)
	if near[0].kind != name {
		merged.kind = near[0].kind
		return merged, firm && (distance == 0 || length >= twoEdits)
	}
	for _, e := range near {
		for _, id := range e.concepts {
			if !slices.Contains(merged.concepts, id) {
				merged.concepts = append(merged.concepts, id)
			}
		}
	}
	merged.weak = !firm
	return merged, len(merged.concepts) > 0
}

// near returns the meanings of the nearest names and of those one step further, names
// before other words, and the distance of the nearest.
func (index soundIndex) near(spelled string) (meanings []entry, nearest int) {
	limit := editLimit(spelled)
	var found [3][]entry
	for _, form := range forms(spelled) {
		index.within(limit, form, &found)
	}
	for nearest < limit && len(found[nearest]) == 0 {
		nearest++
	}
	meanings = found[nearest]
	if nearest < limit {
		for _, m := range found[nearest+1] {
			meanings = addMeaning(meanings, m)
		}
	}
	slices.SortFunc(meanings, compareMeanings)
	return meanings, nearest
}

// within adds the meanings at each distance up to the limit.
func (index soundIndex) within(limit int, form string, found *[3][]entry) {
	letters := lettersIn(form)
	for l := len(form) - limit; l <= len(form)+limit; l++ {
		for _, n := range index[soundBucket{form[0], l}] {
			if bits.OnesCount32(n.letters^letters) > 2*limit {
				continue
			}
			if d := editDistance(form, n.sound, limit); d <= limit {
				for _, m := range n.meanings {
					found[d] = addMeaning(found[d], m)
				}
			}
		}
	}
}

// editLimit is how many letters of a word may be wrong.
func editLimit(spelled string) int {
	if len(spelled) >= twoEdits {
		return 2
	}
	return 1
}

func lettersIn(sound string) (letters uint32) {
	for i := range len(sound) {
		letters |= 1 << (sound[i] - 'a')
	}
	return letters
}
