package authn_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
)

// hasher is shared, so that parallel tests do not multiply the memory.
var hasher = authn.NewHasher(0)

// polish is a password whose hashes below were made by Django 5.2 and argon2-cffi.
const polish = "Zażółć gęślą 9"

func TestVerifyKnownHashes(t *testing.T) {
	t.Parallel()
	const salt, sum = "$MDEyMzQ1Njc4OWFiY2RlZg$", "xabzSLzoYorObcUf6X0B95rDmWCosJ+K09vz+MVaT4U"
	for name, c := range map[string]struct {
		encoded    string
		ok, rehash bool
	}{
		"argon2id as today": {"$argon2id$v=19$m=19456,t=2,p=1" + salt + sum, true, false},
		"argon2id, weaker": {"$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$IAl8Uj1kIyA58elHVEQwsggPgavAlFQ6yaEzZ85Q774",
			true, true},
		"Django's argon2": {"argon2$argon2id$v=19$m=102400,t=2,p=8$cTdXczJMYlprMEFxWTF0SG4zVmJYZQ$GkwlG4zxzRid27bEdabj8tcUFH4qtSOFC/B2gLtNzCM",
			true, true},
		// Django's million of rounds takes seconds under the race detector.
		"Django's pbkdf2": {"pbkdf2_sha256$1000$q7Ws2LbZk0AqY1tHn3VbXe$cKzBys7bR+Jpj94pgRrFXOZCA0VYO68Fsb1pXI+iRTk=", true, true},

		"unusable":          {authn.Unusable, false, false},
		"Django's unusable": {"!WZqTb0XcJ9sUeYkEw2mD7fRr8hVbNgLxPaQo5t1y", false, false},
		"empty":             {"", false, false},
		"plain text":        {polish, false, false},
		"unknown":           {"bcrypt$$2b$12$abcdefghijklmnopqrstuv", false, false},
		"argon2i":           {"$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$NWskkP626COr40zr7+mknbKWyfNW27cMiguPmtzUsA4", false, false},
		"no version":        {"$argon2id$m=19456,t=2,p=1" + salt + sum, false, false},
		"old version":       {"$argon2id$v=16$m=19456,t=2,p=1" + salt + sum, false, false},
		"other parameters":  {"$argon2id$v=19$m=19455,t=2,p=1" + salt + sum, false, false},
		"no parameters":     {"$argon2id$v=19$" + salt + sum, false, false},
		"swapped":           {"$argon2id$v=19$t=2,m=19456,p=1" + salt + sum, false, false},
		"no time":           {"$argon2id$v=19$m=19456,t=0,p=1" + salt + sum, false, false},
		"no lanes":          {"$argon2id$v=19$m=19456,t=2,p=0" + salt + sum, false, false},
		"lanes beyond 255":  {"$argon2id$v=19$m=19456,t=2,p=257" + salt + sum, false, false},
		"too much memory":   {"$argon2id$v=19$m=4294967295,t=2,p=1" + salt + sum, false, false},
		"too much time":     {"$argon2id$v=19$m=19456,t=4294967295,p=1" + salt + sum, false, false},
		"no sum":            {"$argon2id$v=19$m=19456,t=2,p=1" + salt, false, false},
		"sum cut":           {"$argon2id$v=19$m=19456,t=2,p=1" + salt + sum[:8], false, false},
		"bad base64":        {"$argon2id$v=19$m=19456,t=2,p=1" + salt + "=" + sum, false, false},
		"too many rounds":   {"pbkdf2_sha256$5000001$salt$cKzBys7bR+Jpj94pgRrFXOZCA0VYO68Fsb1pXI+iRTk=", false, false},
		"no rounds":         {"pbkdf2_sha256$0$salt$cKzBys7bR+Jpj94pgRrFXOZCA0VYO68Fsb1pXI+iRTk=", false, false},
		"negative rounds":   {"pbkdf2_sha256$-1$salt$cKzBys7bR+Jpj94pgRrFXOZCA0VYO68Fsb1pXI+iRTk=", false, false},
		"pbkdf2, no sum":    {"pbkdf2_sha256$1000$q7Ws2LbZk0AqY1tHn3VbXe$", false, false},
		"pbkdf2, cut":       {"pbkdf2_sha256$1000", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok, rehash, err := hasher.Verify(t.Context(), c.encoded, polish)
			require.NoError(t, err)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.rehash, rehash)
			if !c.ok {
				return
			}
			ok, rehash, err = hasher.Verify(t.Context(), c.encoded, polish+" ")
			require.NoError(t, err)
			require.False(t, ok)
			require.False(t, rehash, "nothing to store for a wrong password")
		})
	}
}

func TestHashVerifiesOnlyItsPassword(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2026, 7))
	for _, password := range []string{
		"", " ", polish, strings.Repeat("x", 4096), "\x00null", "not \xff UTF-8", anyText(random), anyText(random),
	} {
		encoded, err := hasher.Hash(t.Context(), password)
		require.NoError(t, err)
		require.Regexp(t, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, encoded)
		require.LessOrEqual(t, len(encoded), 128, "the column holds 128 characters")

		ok, rehash, err := hasher.Verify(t.Context(), encoded, password)
		require.NoError(t, err)
		require.True(t, ok, "%q", password)
		require.False(t, rehash)

		ok, _, err = hasher.Verify(t.Context(), encoded, password+"\x00")
		require.NoError(t, err)
		require.False(t, ok, "%q and a null byte", password)
	}
}

// anyText is up to 40 characters out of the whole of Unicode.
func anyText(random *rand.Rand) string {
	runes := make([]rune, 1+random.IntN(40))
	for i := range runes {
		runes[i] = random.Int32N(0x110000) // a surrogate becomes U+FFFD
	}
	return string(runes)
}

func TestHashIsSalted(t *testing.T) {
	t.Parallel()
	first, err := hasher.Hash(t.Context(), polish)
	require.NoError(t, err)
	second, err := hasher.Hash(t.Context(), polish)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
}

func TestPasswordsAreNotNormalised(t *testing.T) {
	t.Parallel()
	encoded, err := hasher.Hash(t.Context(), "caf\u00e9-latte")
	require.NoError(t, err)
	ok, _, err := hasher.Verify(t.Context(), encoded, "cafe\u0301-latte")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestHasherHeedsACancelledContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := hasher.Hash(ctx, polish)
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = hasher.Verify(ctx, authn.Unusable, polish)
	require.ErrorIs(t, err, context.Canceled)
}

func BenchmarkHash(b *testing.B) {
	for b.Loop() {
		_, _ = hasher.Hash(b.Context(), polish)
	}
}

func BenchmarkVerify(b *testing.B) {
	encoded, err := hasher.Hash(b.Context(), polish)
	require.NoError(b, err)
	for name, stored := range map[string]string{
		"argon2id": encoded,
		"unusable": authn.Unusable,
		"pbkdf2":   "pbkdf2_sha256$1000000$q7Ws2LbZk0AqY1tHn3VbXe$fYunoJQSMIIf/yQatK/rRJCBRjuZROQmEi4qH93wZ5E=",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _, _ = hasher.Verify(b.Context(), stored, polish)
			}
		})
	}
}
