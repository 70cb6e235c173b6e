package authn_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
)

func TestNewRefreshToken(t *testing.T) {
	t.Parallel()
	token, hash := authn.NewRefreshToken()
	require.Regexp(t, `^chr_[A-Za-z0-9_-]{43}$`, token)
	require.Equal(t, authn.HashRefreshToken(token), hash)

	other, otherHash := authn.NewRefreshToken()
	require.NotEqual(t, token, other)
	require.NotEqual(t, hash, otherHash)
}

func TestHashRefreshTokenIsStable(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		hex.EncodeToString(authn.HashRefreshToken("abc")), "stored hashes would no longer be found")
}
