package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGarbageGathers(t *testing.T) {
	for live, percent := range map[uint64]int{0: 4000, 1 << 20: 4000, 8 << 20: 500, 40 << 20: 100, 4 << 30: 100} {
		require.Equal(t, percent, garbagePercent(live), "%d bytes in use", live)
	}
}

func TestCollectSeldomFollowsWhatIsInUse(t *testing.T) {
	current := func() int {
		percent := debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		return percent
	}
	follows := func(reason string, holds func(percent int) bool) {
		require.Eventually(t, func() bool { runtime.GC(); return holds(current()) }, 30*time.Second, time.Millisecond, reason)
	}
	collectSeldom()
	follows("little is in use", func(percent int) bool { return percent > 100 })
	held := make([]byte, 2*leastGarbage)
	follows("more is in use than may gather", func(percent int) bool { return percent == 100 })
	runtime.KeepAlive(held)
	follows("little again", func(percent int) bool { return percent > 100 })
}
