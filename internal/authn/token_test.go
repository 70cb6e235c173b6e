package authn_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
	"chelal/internal/authn"
)

var (
	secret  = []byte("the secret of these tests, 32 bytes or more")
	session = uuid.MustParse("0c7a3d5e-1f52-4b7e-9d0b-2a6f8c1e4d35")
	noon    = time.Date(2026, time.March, 29, 12, 0, 0, 0, time.UTC)
)

const lifetime = 15 * time.Minute

func newTokens(t testing.TB, at time.Time, current []byte, old ...[]byte) *authn.Tokens {
	t.Helper()
	tokens, err := authn.NewTokens(current, old, lifetime, func() time.Time { return at })
	require.NoError(t, err)
	return tokens
}

func requireRefused(t *testing.T, tokens *authn.Tokens, token string) {
	t.Helper()
	claims, err := tokens.Verify(token)
	require.Error(t, err)
	require.Zero(t, claims)
	refusal := apperr.From(err)
	require.Equal(t, apperr.Unauthenticated, refusal.Kind)
	require.Equal(t, "token_not_valid", refusal.Code)
	if len(token) > 8 {
		require.NotContains(t, err.Error(), token[:8], "a log must not hold tokens")
	}
}

func TestIssuedTokenVerifiesUntilItExpires(t *testing.T) {
	t.Parallel()
	nairobi := time.FixedZone("", 3*60*60)
	token, expires, err := newTokens(t, noon.Add(700*time.Millisecond).In(nairobi), secret).Issue(42, session)
	require.NoError(t, err)
	require.Equal(t, noon.Add(lifetime), expires)

	want := authn.Claims{UserID: 42, Session: session, Expires: expires}
	for _, at := range []time.Time{noon.Add(-time.Minute), noon, expires.Add(-time.Nanosecond)} {
		claims, err := newTokens(t, at, secret).Verify(token)
		require.NoError(t, err)
		require.Equal(t, want, claims)
	}
	requireRefused(t, newTokens(t, noon.Add(-61*time.Second), secret), token) // issued in the future
	requireRefused(t, newTokens(t, expires, secret), token)
	requireRefused(t, newTokens(t, expires.Add(30*time.Second), secret), token)
}

func TestAVerifiedTokenExpiresToo(t *testing.T) {
	t.Parallel()
	now := noon
	tokens, err := authn.NewTokens(secret, nil, lifetime, func() time.Time { return now })
	require.NoError(t, err)
	token, expires, err := tokens.Issue(42, session)
	require.NoError(t, err)
	for _, at := range []time.Time{noon, noon, expires.Add(-time.Nanosecond)} {
		now = at
		claims, err := tokens.Verify(token)
		require.NoError(t, err)
		require.EqualValues(t, 42, claims.UserID)
	}
	requireRefused(t, tokens, token[:len(token)-4]+"AAAA")
	now = expires
	requireRefused(t, tokens, token)
}

func TestIssueNeverRepeatsAToken(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, noon, secret)
	first, _, err := tokens.Issue(42, session)
	require.NoError(t, err)
	second, _, err := tokens.Issue(42, session)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
}

func TestOldSecretStillVerifies(t *testing.T) {
	t.Parallel()
	before := newTokens(t, noon, secret)
	renewed := []byte("another secret, after the rotation of it")
	after := newTokens(t, noon, renewed, []byte("one that was never used in these tests"), secret)

	token, _, err := before.Issue(42, session)
	require.NoError(t, err)
	_, err = after.Verify(token)
	require.NoError(t, err)
	requireRefused(t, newTokens(t, noon, renewed), token)

	token, _, err = after.Issue(42, session)
	require.NoError(t, err)
	requireRefused(t, before, token)
}

func TestNewTokensRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		current  []byte
		old      [][]byte
		lifetime time.Duration
	}{
		"no secret":        {nil, nil, lifetime},
		"short secret":     {secret[:31], nil, lifetime},
		"short old secret": {secret, [][]byte{secret, secret[:31]}, lifetime},
		"no lifetime":      {secret, nil, 0},
		"short lifetime":   {secret, nil, time.Second - 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := authn.NewTokens(c.current, c.old, c.lifetime, time.Now)
			require.Error(t, err)
		})
	}
}

const goodHeader = `{"alg":"HS256","typ":"at+jwt"}`

// goodClaims is a fixed set of claims that Verify accepts at noon.
func goodClaims() string {
	return fmt.Sprintf(`{"aud":["chelal-api"],"exp":%d,"iat":%d,"iss":"chelal","sid":%q,"sub":"42"}`,
		noon.Add(lifetime).Unix(), noon.Unix(), session)
}

// forge signs anything, without the library under test.
func forge(header, payload string) string {
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, authn.DeriveKey(secret, "access-token"))
	mac.Write([]byte(signed))
	return signed + "." + b64.EncodeToString(mac.Sum(nil))
}

func TestVerifyRefusesSignedClaims(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, noon, secret)
	_, err := tokens.Verify(forge(goodHeader, goodClaims()))
	require.NoError(t, err, "each case below differs from this in one thing")

	for name, c := range map[string]struct{ old, new string }{
		"no exp":              {fmt.Sprintf(`"exp":%d,`, noon.Add(lifetime).Unix()), ``},
		"exp zero":            {fmt.Sprintf(`"exp":%d`, noon.Add(lifetime).Unix()), `"exp":0`},
		"exp null":            {fmt.Sprintf(`"exp":%d`, noon.Add(lifetime).Unix()), `"exp":null`},
		"exp not a time":      {fmt.Sprintf(`"exp":%d`, noon.Add(lifetime).Unix()), `"exp":"never"`},
		"expired":             {fmt.Sprintf(`"exp":%d`, noon.Add(lifetime).Unix()), fmt.Sprintf(`"exp":%d`, noon.Unix())},
		"no iat":              {fmt.Sprintf(`"iat":%d,`, noon.Unix()), ``},
		"iat in the future":   {fmt.Sprintf(`"iat":%d`, noon.Unix()), fmt.Sprintf(`"iat":%d`, noon.Unix()+61)},
		"nbf in the future":   {`"sub"`, fmt.Sprintf(`"nbf":%d,"sub"`, noon.Unix()+120)},
		"no issuer":           {`"iss":"chelal",`, ``},
		"other issuer":        {`"chelal",`, `"chelal2",`},
		"no audience":         {`"aud":["chelal-api"],`, ``},
		"other audience":      {`chelal-api`, `chelal`},
		"no sub":              {`,"sub":"42"`, ``},
		"sub a number":        {`"42"`, `42`},
		"sub empty":           {`"42"`, `""`},
		"sub zero":            {`"42"`, `"0"`},
		"sub negative":        {`"42"`, `"-42"`},
		"sub with a plus":     {`"42"`, `"+42"`},
		"sub with a zero":     {`"42"`, `"042"`},
		"sub with a space":    {`"42"`, `" 42"`},
		"sub too large":       {`"42"`, `"9223372036854775808"`},
		"no sid":              {fmt.Sprintf(`"sid":%q,`, session), ``},
		"sid a number":        {fmt.Sprintf(`"sid":%q`, session), `"sid":1`},
		"sid empty":           {session.String(), ``},
		"sid nil":             {session.String(), uuid.Nil.String()},
		"sid in capitals":     {session.String(), strings.ToUpper(session.String())},
		"sid in another form": {session.String(), session.URN()},
		"not JSON":            {`{`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := strings.Replace(goodClaims(), c.old, c.new, 1)
			require.NotEqual(t, goodClaims(), claims)
			requireRefused(t, tokens, forge(goodHeader, claims))
		})
	}
}

func TestVerifyRefusesSignedHeaders(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, noon, secret)
	for name, header := range map[string]string{
		"alg none":       `{"alg":"none","typ":"at+jwt"}`,
		"alg None":       `{"alg":"None","typ":"at+jwt"}`,
		"alg HS384":      `{"alg":"HS384","typ":"at+jwt"}`,
		"alg RS256":      `{"alg":"RS256","typ":"at+jwt"}`,
		"alg EdDSA":      `{"alg":"EdDSA","typ":"at+jwt"}`,
		"no alg":         `{"typ":"at+jwt"}`,
		"other type":     `{"alg":"HS256","typ":"JWT"}`,
		"no type":        `{"alg":"HS256"}`,
		"type a number":  `{"alg":"HS256","typ":1}`,
		"not an object":  `[]`,
		"empty":          ``,
		"not even ended": `{"alg":"HS256","typ":"at+jwt"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, tokens, forge(header, goodClaims()))
		})
	}
}
