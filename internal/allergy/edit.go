package allergy

import "strings"

// soundOf spells a word of plain letters as it sounds, so that "amoxycilin",
// "fenitoin" and "kotrimoxazol" come near to the names that they mean.
func soundOf(spelled string) string {
	s := soundSpellings.Replace(spelled)
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		b := s[i]
		switch {
		case b == 'c' && i+1 < len(s) && strings.IndexByte("eiy", s[i+1]) >= 0:
			b = 's'
		case b == 'c', b == 'q':
			b = 'k'
		case b == 'z':
			b = 's'
		case b == 'y':
			b = 'i'
		}
		if len(out) == 0 || out[len(out)-1] != b {
			out = append(out, b)
		}
	}
	return string(out)
}

var soundSpellings = strings.NewReplacer(
	"ph", "f", "th", "t", "rh", "r", "ch", "k", "ck", "k", "qu", "k", "ae", "e", "oe", "e")

// editDistance counts the letters that are wrong, missing, too many or exchanged with
// their neighbour (optimal string alignment). It gives limit+1 for all above the limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(b) > longestGuess {
		return limit + 1
	}
	var rows [3][longestGuess + 1]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, above, before := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		best := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			best = min(best, row[j])
		}
		if best > limit {
			return limit + 1
		}
	}
	return min(rows[len(a)%3][len(b)], limit+1)
}
