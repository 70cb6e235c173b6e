package report

import (
	_ "embed" // the fonts
	"encoding/binary"
	"strings"
	"sync"
	"unicode"
)

// The fonts cover Latin with the letters and accents of African languages, Greek,
// Cyrillic, Arabic and Hebrew, and the second family Ethiopic. The library embeds only the
// letters that a document has. Chinese, Japanese and Korean are missing: a font of them is
// larger than the rest of this program.
var (
	//go:embed fonts/DejaVuSans.ttf
	regular []byte
	//go:embed fonts/DejaVuSans-Bold.ttf
	bold []byte
	//go:embed fonts/NotoSansEthiopic-Regular.ttf
	ethiopicRegular []byte
	//go:embed fonts/NotoSansEthiopic-Bold.ttf
	ethiopicBold []byte
)

// The families of fonts, as a document knows them.
const (
	mainFamily     = "text"
	ethiopicFamily = "ethiopic"
)

// families are the fonts of each family, regular and bold.
var families = map[string][2][]byte{mainFamily: {regular, bold}, ethiopicFamily: {ethiopicRegular, ethiopicBold}}

// piece is a part of a line that one family can show.
type piece struct{ family, text string }

// pieces divides a line, which is printable, by the families that show its parts. There is
// always one.
func pieces(line string) []piece {
	known, parts := characters(), []piece{{mainFamily, ""}}
	for _, r := range line {
		last := &parts[len(parts)-1]
		family := known[r]
		if family == "" || r == ' ' {
			family = last.family
		}
		if family != last.family && last.text != "" {
			parts = append(parts, piece{})
			last = &parts[len(parts)-1]
		}
		last.family, last.text = family, last.text+string(r)
	}
	return parts
}

// printable returns s as the fonts can show it, on one line: a sign that they do not have
// becomes the replacement character, a mark without a body of its own is left out.
func printable(s string) string {
	known := characters()
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), known[r] != "":
			return r
		case unicode.In(r, unicode.Mn, unicode.Cf, unicode.Variation_Selector):
			return -1
		}
		return unicode.ReplacementChar
	}, s)
	return joined(strings.Join(strings.Fields(s), " "))
}

// characters are those that both fonts of a family have, and which family that is: the main
// one, if it is among them. The library knows only the basic plane.
var characters = sync.OnceValue(func() map[rune]string {
	known := map[rune]string{}
	for _, family := range []string{ethiopicFamily, mainFamily} {
		inBold := charactersOf(families[family][1])
		for r := range charactersOf(families[family][0]) {
			if inBold[r] {
				known[r] = family
			}
		}
	}
	return known
})

// charactersOf reads a font's map of characters, in the formats 12 and 4: groups of first
// and last character.
func charactersOf(font []byte) map[rune]bool {
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(font[at:])) }
	u32 := func(at int) int { return int(binary.BigEndian.Uint32(font[at:])) }
	characters := map[rune]bool{}
	add := func(from, to int) {
		for r := from; r <= to && r < 0xFFFF; r++ {
			characters[rune(r)] = true
		}
	}
	for table := 12; table < 12+16*u16(4); table += 16 {
		if string(font[table:table+4]) != "cmap" {
			continue
		}
		cmap := u32(table + 8)
		for entry := cmap + 4; entry < cmap+4+8*u16(cmap+2); entry += 8 {
			groups := cmap + u32(entry+4)
			switch u16(groups) {
			case 12:
				for g := groups + 16; g < groups+16+12*u32(groups+12); g += 12 {
					add(u32(g), u32(g+4))
				}
			case 4:
				for g := range u16(groups+6) / 2 { // their last characters, two bytes, then the first ones
					add(u16(groups+16+u16(groups+6)+2*g), u16(groups+14+2*g))
				}
			}
		}
	}
	return characters
}
