package authn

import (
	"crypto/hkdf"
	"crypto/sha256"
)

const (
	keySize       = 32
	minSecretSize = 32
)

// DeriveKey returns the 32-byte key of one purpose by HKDF-SHA256, so that no two
// uses of SECRET_KEY share a key. The purpose is part of stored data: renaming it
// makes everything signed or encrypted under the old name unreadable. The secret's
// strength is the caller's to check.
func DeriveKey(secret []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "chelal/"+purpose, keySize)
	if err != nil {
		// Only a key longer than 255 hashes fails, or a short secret in FIPS-only mode.
		panic("authn: cannot derive a key: " + err.Error())
	}
	return key
}
