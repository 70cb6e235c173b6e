package authn

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"chelal/internal/apperr"
)

const (
	minPasswordLength = 8
	maxPasswordLength = 128 // Django sets no limit, but hashing a long body is a cost
	maxSimilarity     = 0.7
)

// Person is whom a password is for: what it must not resemble.
type Person struct {
	Username  string
	FirstName string
	LastName  string
	Email     string
}

// CheckPassword returns every rule that a new password breaks, as fields named
// "password", and nil when it breaks none. The rules and codes are those of Django's
// four validators, with an upper limit added; lengths count characters, not bytes.
func CheckPassword(password string, about Person) []apperr.Field {
	var broken []apperr.Field
	refuse := func(code, message string) {
		broken = append(broken, apperr.Field{Name: "password", Code: code, Message: message})
	}
	switch length := utf8.RuneCountInString(password); {
	case length < minPasswordLength:
		refuse("password_too_short", fmt.Sprintf("Use at least %d characters.", minPasswordLength))
	case length > maxPasswordLength:
		refuse("password_too_long", fmt.Sprintf("Use at most %d characters.", maxPasswordLength))
	}
	if isCommon(password) {
		refuse("password_too_common", "This password is among the most common ones. Choose one that nobody would guess.")
	}
	if isNumeric(password) {
		refuse("password_entirely_numeric", "Add letters or signs: digits alone are easily guessed.")
	}
	if name := similarTo(password, about); name != "" {
		refuse("password_too_similar", fmt.Sprintf("This password is too similar to the %s. Choose one that does not resemble it.", name))
	}
	return broken
}

// isNumeric takes for a digit what Python's isdigit does, superscripts and the
// digits of every script, and the other numerals too.
func isNumeric(password string) bool {
	notNumber := func(r rune) bool { return !unicode.IsNumber(r) }
	return password != "" && !strings.ContainsFunc(password, notNumber)
}

// similarTo names the first of the person's attributes that the password resembles.
func similarTo(password string, about Person) string {
	password = strings.ToLower(password)
	for _, attribute := range []struct{ name, value string }{
		{"username", about.Username},
		{"first name", about.FirstName},
		{"last name", about.LastName},
		{"e-mail address", about.Email},
	} {
		value := strings.ToLower(attribute.value)
		for _, part := range append(strings.FieldsFunc(value, isNotWord), value) {
			if isSimilar(password, part) {
				return attribute.name
			}
		}
	}
	return ""
}

// isNotWord is \W of Python's regular expressions.
func isNotWord(r rune) bool {
	return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
}

func isSimilar(password, value string) bool {
	p, v := utf8.RuneCountInString(password), utf8.RuneCountInString(value)
	if v == 0 || p >= 10*v && float64(v) < maxSimilarity/2*float64(p) {
		return false // cannot reach the ratio, so the comparison is saved
	}
	return quickRatio(password, value) >= maxSimilarity
}

// quickRatio is that of Python's difflib: twice the number of characters that the
// two have in common, in any order, divided by the number of all.
func quickRatio(a, b string) float64 {
	left := map[rune]int{}
	for _, r := range b {
		left[r]++
	}
	common, all := 0, utf8.RuneCountInString(b)
	for _, r := range a {
		if left[r] > 0 {
			left[r]--
			common++
		}
		all++
	}
	return 2 * float64(common) / float64(all)
}
