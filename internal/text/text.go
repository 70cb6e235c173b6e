// Package text brings the text that people type into the one form that is
// stored: trimmed, in Unicode normalization form C, without control characters.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Clean returns s without surrounding space and in form NFC. It reports false,
// and then s is to be refused, when s is not UTF-8 or holds a control character
// other than newline and tab. A carriage return before a newline is dropped:
// browsers send CRLF from a text area.
func Clean(s string) (string, bool) {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	for _, r := range s {
		if r == utf8.RuneError || (unicode.IsControl(r) && r != '\n' && r != '\t') {
			return "", false
		}
	}
	return norm.NFC.String(strings.TrimSpace(s)), true
}
