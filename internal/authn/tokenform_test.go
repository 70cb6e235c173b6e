package authn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
)

// Each character of a token, changed to any other of the alphabet, breaks it: also
// the last ones of a part, whose spare bits a lenient decoder ignores.
func TestVerifyRefusesEveryChangedCharacter(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, noon, secret)
	token := forge(goodHeader, goodClaims())
	for i := range token {
		for _, other := range []byte("AQgwBCD_.") {
			if token[i] != other {
				requireRefused(t, tokens, token[:i]+string(other)+token[i+1:])
			}
		}
	}
}

func TestVerifyRefusesOtherForms(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, noon, secret)
	good := forge(goodHeader, goodClaims())
	parts := strings.Split(good, ".")
	other := strings.Split(forge(goodHeader, strings.Replace(goodClaims(), `"42"`, `"1"`, 1)), ".")
	large := strings.Replace(goodClaims(), `{`, `{"x":"`+strings.Repeat("x", 4<<10)+`",`, 1)

	for name, token := range map[string]string{
		"empty":              "",
		"dots":               "..",
		"no signature":       parts[0] + "." + parts[1] + ".",
		"signature left out": parts[0] + "." + parts[1],
		"signature cut":      good[:len(good)-2],
		"other's payload":    parts[0] + "." + other[1] + "." + parts[2],
		"other's signature":  parts[0] + "." + parts[1] + "." + other[2],
		"padded":             good + "=",
		"a space before":     " " + good,
		"a newline after":    good + "\n",
		"a newline within":   parts[0] + ".\n" + parts[1] + "." + parts[2],
		"a fourth part":      good + ".",
		"as JSON":            fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		"over 4 KiB":         forge(goodHeader, large),
		"a refresh token":    "chr_" + parts[2],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, tokens, token)
		})
	}
}

func FuzzVerify(f *testing.F) {
	tokens := newTokens(f, noon, secret)
	good := forge(goodHeader, goodClaims())
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, "", "..", "a.b.c", "{}", parts[0] + "." + parts[1] + ".",
		forge(`{"alg":"none"}`, goodClaims()), forge(goodHeader, `{}`), forge(goodHeader, `null`),
		strings.Replace(good, ".", "..", 1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := tokens.Verify(token)
		if token != good {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, authn.Claims{UserID: 42, Session: session, Expires: noon.Add(lifetime)}, claims)
	})
}

func BenchmarkVerifyToken(b *testing.B) {
	tokens := newTokens(b, noon, secret)
	token := forge(goodHeader, goodClaims())
	for b.Loop() {
		_, _ = tokens.Verify(token)
	}
}
