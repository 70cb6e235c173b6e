package authn

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestWaitingForASlotEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(1)
		require.NoError(t, h.acquire(t.Context()))

		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, _, err := h.Verify(ctx, Unusable, "")
			result <- err
		}()
		synctest.Wait()
		require.Empty(t, result, "it must wait while the slot is taken")
		cancel()
		require.ErrorIs(t, <-result, context.Canceled)

		h.release()
		require.NoError(t, h.acquire(t.Context()), "the one that gave up must not keep the slot")
	})
}

// TestEveryFailureCostsTheSame: equal time cannot be asserted here; that the same work is
// done can.
func TestEveryFailureCostsTheSame(t *testing.T) {
	t.Parallel()
	argon := "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2E$c3Vtc3Vtc3Vtc3Vtc3Vtc3Vt"
	django, slow := "pbkdf2_sha256$260000$salt$sum", "pbkdf2_sha256$1000000$salt$sum"
	djangoArgon := "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHQ$c3Vtc3Vtc3Vtc3Vtc3Vtc3Vt"
	inUse := []string{"pbkdf2_sha256$1000000", "pbkdf2_sha256$260000", todaysForm, "argon2$argon2id$v=19$m=102400,t=2,p=8"}
	require.Equal(t, "$argon2id$v=19$m=19456,t=2,p=1", todaysForm)
	for _, encoded := range []string{Unusable, "", argon, django, slow, djangoArgon, "pbkdf2_sha256$9999999$salt$sum", "argon2$nonsense"} {
		rounds, kinds := remaining(encoded, inUse)
		own, ok := costOf(encoded)
		if own.rounds == 0 && ok {
			kinds = append(kinds, own.argon)
		}
		if !ok {
			own = cost{}
		}
		require.Equal(t, 1_000_000, rounds+own.rounds, encoded)
		require.ElementsMatch(t, []argon2id{{memory: 19 << 10, time: 2, lanes: 1}, {memory: 100 << 10, time: 2, lanes: 8}}, kinds, encoded)
	}
	rounds, kinds := remaining(argon, nil)
	require.Zero(t, rounds)
	require.Empty(t, kinds, "nothing is added where every hash is in today's form")
}
