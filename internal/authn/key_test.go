package authn_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
)

func TestDeriveKey(t *testing.T) {
	t.Parallel()
	secret := []byte("0123456789abcdef0123456789abcdef")
	key := authn.DeriveKey(secret, "access-token")
	// Computed by RFC 5869 in another language: what is stored depends on it.
	require.Equal(t, "51d098852152566b44ccc3fe57ce2ce90b70e774ba1b3887cf3b9dbba3b812f6", hex.EncodeToString(key))
	require.NotEqual(t, key, authn.DeriveKey(secret, "two-factor"))
	require.NotEqual(t, key, authn.DeriveKey(append(secret, 'x'), "access-token"))
}
