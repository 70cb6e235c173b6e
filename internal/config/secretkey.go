package config

import (
	"strings"
	"unicode/utf8"
)

// shortest is the length below which a key can be guessed. The token code refuses
// shorter ones whatever DEBUG says.
const shortest = 32

// published are parts of keys that stand in public templates and tutorials.
var published = []string{"django-insecure", "change-me", "changeme", "change_me", "your-secret", "your_secret",
	"secret-key", "secret_key", "secretkey", "insecure", "example", "default"}

// secretKey checks a key. While DEBUG is on a well-known one will do.
func (r *reader) secretKey(name, value string, debug bool) Secret {
	switch {
	case value == "":
	case utf8.RuneCountInString(value) < shortest:
		r.problem(name, "must have at least %d characters. Make one with: openssl rand -base64 48", shortest)
	case !debug && wellKnown(value):
		r.problem(name, "is a well-known default, which anybody can sign tokens with. Make one with: openssl rand -base64 48")
	}
	return Secret(value)
}

// WellKnown reports whether a key is of the kind that stands in templates and tutorials.
func (s Secret) WellKnown() bool { return wellKnown(string(s)) }

func wellKnown(key string) bool {
	key = strings.ToLower(key)
	for _, part := range published {
		if strings.Contains(key, part) {
			return true
		}
	}
	different := map[rune]bool{}
	for _, r := range key {
		different[r] = true
	}
	return len(different) < 8
}

// oldKeys checks keys like the present one: tokens signed under them are good, too.
func (r *reader) oldKeys(name string, debug bool) []Secret {
	var keys []Secret
	for _, key := range r.list(name) {
		keys = append(keys, r.secretKey(name, key, debug))
	}
	return keys
}
