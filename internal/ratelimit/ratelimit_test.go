package ratelimit_test

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/ratelimit"
)

// clock is a time that only the test moves.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func TestBurstThenRate(t *testing.T) {
	t.Parallel()
	c := newClock()
	l := ratelimit.New[int64](ratelimit.Limit{PerSecond: 2, Burst: 5}, c.now)
	for range 5 {
		require.Zero(t, l.Take(1))
	}
	require.Equal(t, 500*time.Millisecond, l.Take(1))
	require.Equal(t, 500*time.Millisecond, l.Take(1), "asking in vain costs nothing")
	require.Zero(t, l.Take(2), "another caller has another bucket")
	c.Time = c.Add(500 * time.Millisecond)
	require.Zero(t, l.Take(1))
	require.Positive(t, l.Take(1))
	c.Time = c.Add(time.Hour)
	for range 5 {
		require.Zero(t, l.Take(1))
	}
	require.Positive(t, l.Take(1), "a bucket holds no more than the burst")
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	l := ratelimit.New[int64](ratelimit.Limit{}, time.Now)
	for range 10_000 {
		require.Zero(t, l.Take(1))
	}
}

// TestManyAtOnce holds that a bucket lets through no more than it holds, however many ask
// at the same moment.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	l := ratelimit.New[int64](ratelimit.Limit{PerSecond: 1, Burst: 50}, newClock().now)
	var through atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for range 100 {
				if l.Take(1) == 0 {
					through.Add(1)
				}
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 50, through.Load())
}

// TestFloodOfAddresses holds that a flood of addresses takes no more memory than the
// callers that are kept, and that one who goes on asking stays limited meanwhile.
func TestFloodOfAddresses(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := ratelimit.New[netip.Prefix](ratelimit.Limit{PerSecond: 0.001, Burst: 1}, newClock().now)
	persistent := netip.MustParsePrefix("192.0.2.1/32")
	require.Zero(t, l.Take(persistent))
	for i := range 300_000 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		require.Zero(t, l.Take(ratelimit.Network(addr)))
		if i%10_000 == 0 {
			require.Positive(t, l.Take(persistent))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(40<<20))
	require.Positive(t, l.Take(persistent))
	runtime.KeepAlive(l)
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "::1": "::/64",
	} {
		require.Equal(t, want, ratelimit.Network(netip.MustParseAddr(addr)).String(), addr)
	}
	require.Equal(t, ratelimit.Network(netip.Addr{}), ratelimit.Network(netip.Addr{}))
}

func BenchmarkTake(b *testing.B) {
	l := ratelimit.New[int64](ratelimit.Limit{PerSecond: 100, Burst: 100}, time.Now)
	for i := int64(0); b.Loop(); i++ {
		_ = l.Take(i % 1000)
	}
}
