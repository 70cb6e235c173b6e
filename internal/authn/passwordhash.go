package authn

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2id is the parameters of one hash; memory is in KiB.
type argon2id struct {
	memory, time      uint32
	lanes             uint8
	saltSize, sumSize int
}

// today is what new hashes use: OWASP's first recommendation for argon2id. Another
// value here makes every account rehash at its next sign-in.
var today = argon2id{memory: 19 << 10, time: 2, lanes: 1, saltSize: 16, sumSize: 32}

// The limits keep a hash in the database, whatever wrote it, from occupying the
// server for more than a second. Django's own parameters are well within them.
const (
	maxMemory     = 256 << 10
	maxTime       = 16
	maxLanes      = 16
	maxIterations = 5_000_000
)

var dummySalt = make([]byte, today.saltSize)

func (a argon2id) sum(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, a.time, a.memory, a.lanes, uint32(a.sumSize))
}

func (a argon2id) encode(salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, a.memory, a.time, a.lanes,
		b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func (a argon2id) withinLimits() bool {
	return a.affordable() && a.saltSize >= 8 && a.saltSize <= 64 && a.sumSize >= 16 && a.sumSize <= 64
}

func (a argon2id) affordable() bool {
	return a.time >= 1 && a.time <= maxTime && a.lanes >= 1 && a.lanes <= maxLanes &&
		a.memory >= 8*uint32(a.lanes) && a.memory <= maxMemory
}

// parseHash returns how to check a password against an encoded hash, and whether
// the hash is as Hash makes them today. known is false when nothing can verify.
func parseHash(encoded string) (check func(password string) bool, current, known bool) {
	form, rest, _ := strings.Cut(encoded, "$")
	switch form {
	case "": // a PHC string begins with the separator
		return parseArgon2id(rest)
	case "argon2": // Django's: its name, then a PHC string
		check, _, known = parseArgon2id(rest)
		return check, false, known
	case "pbkdf2_sha256":
		check, known = parsePBKDF2(rest)
		return check, false, known
	default:
		return nil, false, false
	}
}

func parseArgon2id(phc string) (check func(string) bool, current, known bool) {
	parts := strings.Split(phc, "$")
	if len(parts) != 5 || parts[0] != "argon2id" || parts[1] != "v="+strconv.Itoa(argon2.Version) {
		return nil, false, false
	}
	salt, errSalt := base64.RawStdEncoding.Strict().DecodeString(parts[3])
	want, errSum := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	a, ok := parseParameters(parts[2])
	a.saltSize, a.sumSize = len(salt), len(want)
	if errSalt != nil || errSum != nil || !ok || !a.withinLimits() {
		return nil, false, false
	}
	check = func(password string) bool { return subtle.ConstantTimeCompare(a.sum(password, salt), want) == 1 }
	return check, a == today, true
}

// parseParameters reads `m=19456,t=2,p=1`, in the one order that PHC allows.
func parseParameters(s string) (a argon2id, ok bool) {
	parts := strings.Split(s, ",")
	if len(parts) != 3 {
		return a, false
	}
	var values [3]uint32
	for i, name := range []string{"m=", "t=", "p="} {
		digits, found := strings.CutPrefix(parts[i], name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !found || err != nil {
			return a, false
		}
		values[i] = uint32(n)
	}
	return argon2id{memory: values[0], time: values[1], lanes: uint8(values[2])}, values[2] <= maxLanes
}

// parsePBKDF2 reads Django's `iterations$salt$base64`; the salt is plain text.
func parsePBKDF2(s string) (check func(string) bool, known bool) {
	parts := strings.Split(s, "$")
	if len(parts) != 3 {
		return nil, false
	}
	iterations, errCount := strconv.ParseUint(parts[0], 10, 32)
	want, errSum := base64.StdEncoding.Strict().DecodeString(parts[2])
	if errCount != nil || errSum != nil || iterations < 1 || iterations > maxIterations || len(want) != sha256.Size {
		return nil, false
	}
	check = func(password string) bool {
		// Fails only for a salt or key that FIPS-only mode refuses: then nothing verifies.
		got, err := pbkdf2.Key(sha256.New, password, []byte(parts[1]), int(iterations), sha256.Size)
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1
	}
	return check, true
}
