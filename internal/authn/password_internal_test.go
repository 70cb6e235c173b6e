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

// Equal time cannot be asserted; that the same work is done can.
func TestTheDummyIsInTodaysForm(t *testing.T) {
	t.Parallel()
	encoded := today.encode(dummySalt, today.sum("", dummySalt))
	_, current, known := parseHash(encoded)
	require.True(t, known)
	require.True(t, current)
}
