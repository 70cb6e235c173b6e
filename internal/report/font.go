package report

import (
	_ "embed" // the fonts
	"encoding/binary"
	"strings"
	"sync"
	"unicode"
)

// The fonts cover Latin with the letters and accents of African languages, Greek,
// Cyrillic, Arabic and Hebrew. The library embeds only the letters that a document has.
var (
	//go:embed fonts/DejaVuSans.ttf
	regular []byte
	//go:embed fonts/DejaVuSans-Bold.ttf
	bold []byte
)

// printable returns s as the fonts can show it, on one line: a sign that they do not have
// becomes the replacement character, a mark without a body of its own is left out.
func printable(s string) string {
	known := characters()
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), known[r]:
			return r
		case unicode.In(r, unicode.Mn, unicode.Cf, unicode.Variation_Selector):
			return -1
		}
		return unicode.ReplacementChar
	}, s)
	return joined(strings.Join(strings.Fields(s), " "))
}

// characters are those that both fonts have. The library knows only the basic plane.
var characters = sync.OnceValue(func() map[rune]bool {
	known := map[rune]bool{}
	inBold := charactersOf(bold)
	for r := range charactersOf(regular) {
		known[r] = inBold[r]
	}
	return known
})

// charactersOf reads a font's map of characters, in its format 12: groups of first and
// last character.
func charactersOf(font []byte) map[rune]bool {
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(font[at:])) }
	u32 := func(at int) int { return int(binary.BigEndian.Uint32(font[at:])) }
	characters := map[rune]bool{}
	for table := 12; table < 12+16*u16(4); table += 16 {
		if string(font[table:table+4]) != "cmap" {
			continue
		}
		cmap := u32(table + 8)
		for entry := cmap + 4; entry < cmap+4+8*u16(cmap+2); entry += 8 {
			groups := cmap + u32(entry+4)
			if u16(groups) != 12 {
				continue
			}
			for g := groups + 16; g < groups+16+12*u32(groups+12); g += 12 {
				for r := u32(g); r <= u32(g+4) && r <= 0xFFFF; r++ {
					characters[rune(r)] = true
				}
			}
		}
	}
	return characters
}
