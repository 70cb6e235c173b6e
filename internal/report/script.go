package report

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// The library draws characters from left to right, each as it stands. Arabic letters join
// their neighbours, and Arabic and Hebrew run from right to left, so a text is joined
// before it is measured and set in visual order before it is drawn.

// forms are the shapes that an Arabic letter takes: alone; joined to the one before it;
// to the one after it; to both. Some letters join neither or only the one before. The
// ligatures of lam and alef stand under both letters.
var forms = sync.OnceValue(func() map[string][]rune {
	forms := map[string][]rune{"ـ": []rune("ــــ")} // the stroke that only joins
	for _, block := range [][2]rune{{0xFB50, 0xFBB1}, {0xFBFC, 0xFBFF}, {0xFE80, 0xFEFC}} {
		for r := block[0]; r <= block[1]; r++ {
			letter := norm.NFKC.String(string(r))
			forms[letter] = append(forms[letter], r)
		}
	}
	return forms
})

// joined gives Arabic letters the forms that they take beside their neighbours. Vowel
// points, which names do without, are left out: they need placing.
func joined(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Arabic, unicode.Hebrew) }) {
		return s
	}
	letters := lettersOf(s)
	shapes := func(i int) []rune {
		if i < 0 || i >= len(letters) {
			return nil
		}
		return forms()[letters[i]]
	}
	var b strings.Builder
	for i, letter := range letters {
		form := 0
		if len(shapes(i)) >= 2 && len(shapes(i-1)) == 4 {
			form = 1
		}
		if len(shapes(i)) == 4 && len(shapes(i+1)) >= 2 {
			form += 2
		}
		if known := shapes(i); known != nil && characters()[known[form]] != "" {
			letter = string(known[form])
		}
		b.WriteString(letter)
	}
	return b.String()
}

// lettersOf divides a text into characters, of which lam with alef is one.
func lettersOf(s string) []string {
	var letters []string
	for _, r := range s {
		if r >= 0x0591 && r <= 0x06ED && unicode.Is(unicode.Mn, r) {
			continue
		}
		last := len(letters) - 1
		if last >= 0 && letters[last] == "ل" && forms()["ل"+string(r)] != nil {
			letters[last] += string(r)
			continue
		}
		letters = append(letters, string(r))
	}
	return letters
}

// visual sets a line in the order in which it is read from left to right. A number after
// words that run from right to left is one of them.
func visual(line string) string {
	var p bidi.Paragraph
	if _, err := p.SetString(line); err != nil {
		return line
	}
	order, err := p.Order()
	if err != nil || order.NumRuns() == 0 {
		return line
	}
	first := order.Run(0)
	var drawn, backwards string
	for i := range order.NumRuns() {
		run := order.Run(i)
		text := run.String()
		switch {
		case run.Direction() == bidi.RightToLeft:
			backwards = bidi.ReverseString(text) + backwards
		case backwards != "" && (first.Direction() == bidi.RightToLeft || isNumber(text)):
			backwards = text + backwards
		default:
			drawn, backwards = drawn+backwards+text, ""
		}
	}
	return drawn + backwards
}

func isNumber(text string) bool {
	return strings.ContainsFunc(text, unicode.IsDigit) && !strings.ContainsFunc(text, unicode.IsLetter)
}
