package authn

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

const (
	recoveryCodes  = 10
	recoveryGroups = 4
	groupSize      = 4
	// Crockford's base32: no letter that is easily taken for another sign.
	recoverySigns = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// NewRecoveryCodes returns ten codes, which only the user keeps, and the hashes that are
// stored of them. A code is 80 random bits.
func NewRecoveryCodes() (codes []string, hashes [][]byte) {
	for range recoveryCodes {
		var random [recoveryGroups * groupSize]byte
		_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
		var code strings.Builder
		for i, b := range random {
			if i > 0 && i%groupSize == 0 {
				code.WriteByte('-')
			}
			code.WriteByte(recoverySigns[int(b)%len(recoverySigns)]) // 256 is a multiple: no sign is likelier
		}
		codes = append(codes, code.String())
		hashes = append(hashes, HashRecoveryCode(code.String()))
	}
	return codes, hashes
}

var asMeant = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1")

// HashRecoveryCode returns the form in which a recovery code is stored and looked up,
// however it was typed. As with refresh tokens one SHA-256 is enough: nobody can guess 80
// random bits.
func HashRecoveryCode(code string) []byte {
	sum := sha256.Sum256([]byte(asMeant.Replace(strings.ToUpper(code))))
	return sum[:]
}
