package authn

import (
	"context"
	"crypto/rand"
	"runtime"
)

// Unusable is the stored hash of an account without a password: nothing verifies
// against it.
const Unusable = "!"

// Hasher hashes and verifies passwords. It bounds how many hashes run at once, since
// one occupies a core for about 25 ms and 19 MiB of memory; the others wait.
type Hasher struct {
	slots chan struct{}
}

// NewHasher returns a Hasher that runs up to parallel hashes at once, and as many
// as Go uses cores when parallel is not positive.
func NewHasher(parallel int) *Hasher {
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	return &Hasher{slots: make(chan struct{}, parallel)}
}

// Hash returns the argon2id hash of a password as a PHC string of less than 128
// characters. The password's bytes are hashed as they are: Django does not bring
// passwords into a Unicode normal form, so doing it here would lock out imported
// accounts. The only errors are those of ctx, while waiting.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	defer h.release()
	salt := make([]byte, today.saltSize)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	return today.encode(salt, today.sum(password, salt)), nil
}

// Verify reports whether password is the one that was encoded, and then whether the
// hash is not in today's form, so that the caller should store a new one. It reads
// argon2id PHC strings and Django's pbkdf2_sha256 and argon2 hashes.
//
// Nothing verifies against Unusable, an empty or a malformed hash. What does not verify
// costs the same whatever encoded is, so that the time taken does not tell whether there
// is such an account: pass Unusable when there is none, and as inUse the forms of all
// stored hashes, the parts before their salts. As long as some come from Django, every
// failure costs as much as the slowest of those does, and one in today's form on top.
func (h *Hasher) Verify(ctx context.Context, encoded, password string, inUse ...string) (ok, rehash bool, err error) {
	if err := h.acquire(ctx); err != nil {
		return false, false, err
	}
	defer h.release()
	check, current, known := parseHash(encoded)
	if known && check(password) {
		return true, !current, nil
	}
	if !known { // though what stands before its salt may be in order
		encoded = Unusable
	}
	rounds, argon := remaining(encoded, inUse)
	spend(password, rounds, argon)
	return false, false, nil
}

// Readable reports whether there can be a password that an encoded hash verifies.
func Readable(encoded string) bool {
	_, _, known := parseHash(encoded)
	return known
}

func (h *Hasher) acquire(ctx context.Context) error {
	// select picks at random when both are ready, and whoever has gone away should
	// not cost a hash.
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) release() { <-h.slots }
