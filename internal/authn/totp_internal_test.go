package authn

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTOTPOfTheRFC holds the last six digits of RFC 6238's appendix B for SHA-1.
func TestTOTPOfTheRFC(t *testing.T) {
	t.Parallel()
	for at, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		step, ok := TOTPMatch([]byte("12345678901234567890"), code, time.Unix(at, 0))
		require.True(t, ok, code)
		require.Equal(t, at/30, step)
	}
}

func TestTOTPToleratesOneStep(t *testing.T) {
	t.Parallel()
	secret, now := NewTOTPSecret(), time.Unix(1_800_000_000, 0)
	present := now.Unix() / 30
	for offset := int64(-3); offset <= 3; offset++ {
		step, ok := TOTPMatch(secret, totpCode(secret, present+offset), now)
		require.Equal(t, offset >= -1 && offset <= 1, ok, offset)
		if ok {
			require.Equal(t, present+offset, step)
		}
	}
	for _, wrong := range []string{"", "12345", "1234567", totpCode(secret, present) + " ", totpCode(NewTOTPSecret(), present)} {
		_, ok := TOTPMatch(secret, wrong, now)
		require.False(t, ok, wrong)
	}
}

func TestTOTPURL(t *testing.T) {
	t.Parallel()
	require.Equal(t, "otpauth://totp/CHELAL:jane%20d%C3%A9@x.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=CHELAL&algorithm=SHA1&digits=6&period=30",
		TOTPURL([]byte("12345678901234567890"), "jane dé@x.org"))
}

func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	codes, hashes := NewRecoveryCodes()
	require.Len(t, codes, 10)
	different := map[string]bool{}
	for i, code := range codes {
		require.Regexp(t, `^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`, code)
		require.Equal(t, hashes[i], HashRecoveryCode(code))
		require.Equal(t, hashes[i], HashRecoveryCode(" "+strings.ToLower(strings.ReplaceAll(code, "-", " "))))
		require.NotContains(t, string(hashes[i]), code)
		different[code] = true
	}
	require.Len(t, different, 10)
	require.Equal(t, HashRecoveryCode("0011-1111"), HashRecoveryCode("oOiI-lL1l"), "what is easily misread is read as it is meant")
}

func TestSealer(t *testing.T) {
	t.Parallel()
	old, current := []byte("an earlier secret, long enough to be one"), []byte("the present secret, long enough to be one")
	before, after := NewSealer("test", old), NewSealer("test", current, old)
	secret := NewTOTPSecret()
	sealed := before.Seal(secret, "user 1")
	require.Len(t, sealed, 64, "the column holds 64 characters")
	require.NotEqual(t, sealed, before.Seal(secret, "user 1"))

	opened, fresh, err := after.Open(sealed, "user 1")
	require.NoError(t, err, "an old key still opens")
	require.Equal(t, secret, opened)
	require.False(t, fresh)
	opened, fresh, err = after.Open(after.Seal(secret, "user 1"), "user 1")
	require.NoError(t, err)
	require.Equal(t, secret, opened)
	require.True(t, fresh)

	for name, open := range map[string]func() ([]byte, bool, error){
		"of another user":  func() ([]byte, bool, error) { return after.Open(sealed, "user 2") },
		"for another use":  func() ([]byte, bool, error) { return NewSealer("other", old).Open(sealed, "user 1") },
		"under a lost key": func() ([]byte, bool, error) { return NewSealer("test", current).Open(sealed, "user 1") },
		"changed":          func() ([]byte, bool, error) { return after.Open("A"+sealed[:63], "user 1") },
		"cut":              func() ([]byte, bool, error) { return after.Open(sealed[:8], "user 1") },
		"empty":            func() ([]byte, bool, error) { return after.Open("", "user 1") },
		"no base64":        func() ([]byte, bool, error) { return after.Open("!"+sealed[1:], "user 1") },
		"the plain secret": func() ([]byte, bool, error) { return after.Open(TOTPText(secret), "user 1") },
	} {
		_, _, err := open()
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), sealed)
	}
}
