package authn

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestVerifiedTokensAreForgottenWhenTheyAreTooMany(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 29, 12, 0, 0, 0, time.UTC)
	var v verified
	fill := func(expires time.Time) {
		for i := len(v.claims); i < verifiedAtMost; i++ {
			v.add(strconv.Itoa(i)+expires.String(), Claims{Expires: expires}, now)
		}
	}
	v.add("kept", Claims{UserID: 7, Expires: now.Add(time.Minute)}, now)
	fill(now)
	require.Len(t, v.claims, verifiedAtMost)
	v.add("next", Claims{UserID: 8, Expires: now.Add(time.Minute)}, now)
	require.Len(t, v.claims, 2, "what has expired makes room")
	claims, known := v.get("kept")
	require.True(t, known)
	require.EqualValues(t, 7, claims.UserID)

	fill(now.Add(time.Minute))
	v.add("one more", Claims{Expires: now.Add(time.Minute)}, now)
	require.Len(t, v.claims, 1, "else everything does")
}

func TestAVerifiedTokenExpires(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 29, 12, 0, 0, 0, time.UTC)
	tokens, err := NewTokens([]byte("the secret of these tests, 32 bytes or more"), nil, time.Minute, func() time.Time { return now })
	require.NoError(t, err)
	token, expires, err := tokens.Issue(42, [16]byte{1})
	require.NoError(t, err)
	for _, at := range []time.Time{now, now, expires.Add(-time.Nanosecond)} {
		now = at
		claims, err := tokens.Verify(token)
		require.NoError(t, err)
		require.EqualValues(t, 42, claims.UserID)
	}
	now = expires
	_, err = tokens.Verify(token)
	require.Error(t, err)
	_, known := tokens.verified.get(token + "x")
	require.False(t, known)
}
