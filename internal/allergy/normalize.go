package allergy

import (
	"unicode"
	"unicode/utf8"
)

// foldRune appends r in lower case and without accents, so that "É" gives "e" and
// "ß" gives "ss". What only joins or decorates, such as a combining accent, gives
// nothing; so a text gives the same whether its accents are composed or not.
func foldRune(to []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return append(to, lowerASCII(byte(r)))
	}
	if unicode.In(r, unicode.M, unicode.Cf, unicode.Lm) {
		return to
	}
	r = unicode.ToLower(r)
	if plain, ok := foldings[r]; ok {
		return append(to, plain...)
	}
	return utf8.AppendRune(to, r)
}

func lowerASCII(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// foldings are the letters of European languages that are written in Latin, and the
// forms of Arabic letters that people use for one another.
var foldings = func() map[rune]string {
	all := map[rune]string{'ß': "ss", 'æ': "ae", 'œ': "oe", 'þ': "th", 'ﬁ': "fi", 'ﬂ': "fl", 'µ': "μ"}
	for plain, letters := range map[string]string{
		"a": "àáâãäåāăąǎ", "c": "çćĉċč", "d": "ďđð", "e": "èéêëēĕėęě", "g": "ĝğġģ", "h": "ĥħ", "i": "ìíîïĩīĭįıǐ", "j": "ĵ", "k": "ķ",
		"l": "ĺļľŀł", "n": "ñńņňŉ", "o": "òóôõöøōŏőǒ", "r": "ŕŗř", "s": "śŝşšșſ", "t": "ţťŧț", "u": "ùúûüũūŭůűųǔ", "w": "ŵ", "y": "ýÿŷ", "z": "źżž",
		"ا": "أإآٱ", "و": "ؤ", "ي": "ئىی", "ك": "ک",
	} {
		for _, letter := range letters {
			all[letter] = plain
		}
	}
	return all
}()

// shape is what a folded character does in a text.
type shape uint8

const (
	shapeSpace      shape = iota // ends a word
	shapeLetter                  // belongs to a word
	shapeDigit                   // belongs to a number
	shapeSymbol                  // stands for something that is not understood
	shapeApostrophe              // joins "cow's", parts "l'aspirine"
	shapeSlash                   // parts, except in "h/o"
	shapeHyphen                  // parts a remark if spaced, else ends a word
	shapeStop                    // a full stop ends a part, after a word
	shapeQuestion                // doubt
	shapeOpen                    // opens a remark in brackets
	shapeClose                   // closes it
	shapeClause                  // a remark to the same part follows
	shapePart                    // another part follows
	shapeLine                    // another part follows, even in brackets
)

var shapes = map[rune]shape{
	'\'': shapeApostrophe, '’': shapeApostrophe, '‘': shapeApostrophe, '`': shapeApostrophe, '´': shapeApostrophe,
	'/': shapeSlash, '-': shapeHyphen, '‐': shapeHyphen, '.': shapeStop, '?': shapeQuestion, '؟': shapeQuestion,
	'(': shapeOpen, '[': shapeOpen, '{': shapeOpen, ')': shapeClose, ']': shapeClose, '}': shapeClose,
	':': shapeClause, '–': shapeClause, '—': shapeClause, '=': shapeClause, '>': shapeClause, '→': shapeClause,
	',': shapePart, '،': shapePart, '、': shapePart, '+': shapePart, '|': shapePart, '&': shapePart, '•': shapePart,
	'·': shapePart, '*': shapePart, '●': shapePart, '▪': shapePart, '◦': shapePart, '‣': shapePart, '፣': shapePart,
	'，': shapePart, '／': shapePart, '＋': shapePart, '；': shapeLine, '：': shapeClause, '？': shapeQuestion, '（': shapeOpen, '）': shapeClose,
	'®': shapeSpace, '™': shapeSpace, '©': shapeSpace, '°': shapeSpace,
	'።': shapeLine, ';': shapeLine, '؛': shapeLine, '፤': shapeLine, '\n': shapeLine, '\t': shapeLine, '\r': shapeLine,
}

func shapeOf(r rune) shape {
	if s, ok := shapes[r]; ok {
		return s
	}
	switch {
	case unicode.IsLetter(r):
		return shapeLetter
	case unicode.In(r, unicode.Nd, unicode.No):
		return shapeDigit
	case r == utf8.RuneError, unicode.In(r, unicode.So, unicode.Co, unicode.Nl):
		return shapeSymbol
	}
	return shapeSpace
}
