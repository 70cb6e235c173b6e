// Package ratelimit bounds how many requests one address or one user may send. It keeps
// its counts in memory: every process counts for itself.
package ratelimit

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// kept is how many callers are remembered, about 15 MB of them. Of more than that at once
// the one who has been quiet the longest is forgotten, which gives it a full bucket.
const kept = 1 << 16

// Limit is how many requests a second are let through in the long run, and how many at
// once. The zero Limit lets everything through.
type Limit struct {
	PerSecond float64
	Burst     int
}

// Limiter holds a bucket of tokens for each caller.
type Limiter[K comparable] struct {
	limit   Limit
	now     func() time.Time
	mu      sync.Mutex
	callers *simplelru.LRU[K, *rate.Limiter]
}

// New returns a Limiter, or nil, which lets everything through, for the zero Limit.
func New[K comparable](limit Limit, now func() time.Time) *Limiter[K] {
	if limit.PerSecond <= 0 {
		return nil
	}
	callers, err := simplelru.NewLRU[K, *rate.Limiter](kept, nil)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return &Limiter[K]{limit: limit, now: now, callers: callers}
}

// Take takes a token from the caller's bucket. It returns 0, or how long the caller has
// to wait for the next token when there is none. Asking in vain costs nothing: whoever
// keeps asking is let through as often as whoever waits.
func (l *Limiter[K]) Take(caller K) time.Duration {
	if l == nil {
		return 0
	}
	now := l.now()
	token := l.bucket(caller).ReserveN(now, 1)
	wait := token.DelayFrom(now)
	if wait > 0 {
		token.CancelAt(now)
	}
	return wait
}

func (l *Limiter[K]) bucket(caller K) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.callers.Get(caller)
	if !ok {
		bucket = rate.NewLimiter(rate.Limit(l.limit.PerSecond), max(l.limit.Burst, 1))
		l.callers.Add(caller, bucket)
	}
	return bucket
}

// Network is whom an address is counted as: the address itself, and of IPv6 its /64,
// since a single line has that many addresses to choose from.
func Network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // no address at all is one caller too
	return prefix
}
