package authn

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Scanners for leaked secrets recognise a token by its prefix.
const refreshPrefix = "chr_"

// NewRefreshToken returns a refresh token, which only the client keeps, and its
// hash, which is all that is stored.
func NewRefreshToken() (token string, hash []byte) { return newSecret(refreshPrefix) }

func newSecret(prefix string) (secret string, hash []byte) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	secret = prefix + base64.RawURLEncoding.EncodeToString(random[:])
	return secret, hashSecret(secret)
}

// HashRefreshToken returns the form in which a refresh token is stored and looked
// up.
func HashRefreshToken(token string) []byte { return hashSecret(token) }

// hashSecret is one SHA-256, which is enough: a secret is 256 random bits, so nobody can
// guess it from its hash, and a slow or salted hash as for passwords would gain nothing.
func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
