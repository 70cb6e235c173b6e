package authn

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
)

// Sealer encrypts what must be readable again, with AES-256-GCM under keys derived from
// SECRET_KEY for one purpose.
type Sealer struct {
	keys []cipher.AEAD // the first seals, all open
}

// NewSealer returns a Sealer that seals under current and opens what was sealed under an
// old secret too.
func NewSealer(purpose string, current []byte, old ...[]byte) *Sealer {
	s := &Sealer{}
	for _, secret := range append([][]byte{current}, old...) {
		block, err := aes.NewCipher(DeriveKey(secret, purpose))
		if err != nil {
			panic("authn: " + err.Error()) // derived keys have the one right length
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			panic("authn: " + err.Error())
		}
		s.keys = append(s.keys, aead)
	}
	return s
}

// Seal encrypts plain. It opens again only for the same owner, so that nobody can move
// it to another row.
func (s *Sealer) Seal(plain []byte, owner string) string {
	return base64.RawStdEncoding.EncodeToString(s.keys[0].Seal(nil, nil, plain, []byte(owner)))
}

var errSealed = errors.New("sealed under another SECRET_KEY, for somebody else, or damaged")

// Open returns what was sealed, and whether under the current secret; otherwise the
// caller should seal it anew, before the old secret is gone.
func (s *Sealer) Open(sealed, owner string) (plain []byte, current bool, err error) {
	data, err := base64.RawStdEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return nil, false, errSealed
	}
	for i, key := range s.keys {
		if plain, err := key.Open(nil, nil, data, []byte(owner)); err == nil {
			return plain, i == 0, nil
		}
	}
	return nil, false, errSealed
}
