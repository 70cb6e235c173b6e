package pg

import (
	"context"
	"runtime"
	"sync"
	"time"

	"chelal/internal/tracing"
)

// togetherTime is how long one statement for many may take, whoever waits for it.
const togetherTime = 5 * time.Second

// Together has one statement do what many callers ask for: while as many statements as may
// be are on their way, those who come meanwhile gather for the next. So the busier the
// server, the smaller is each caller's share of a statement or of a commit; and the statement
// that serves a caller began after it asked.
type Together[T, R any] struct {
	work   func(ctx context.Context, asked []T) (R, error)
	size   func(T) int
	most   int
	atOnce int

	mu      sync.Mutex
	running int
	groups  []*group[T, R]
}

// group is what one statement does. What came of it is to be read when done is closed.
type group[T, R any] struct {
	first context.Context // of whose trace the statement is a part
	asked []T
	size  int
	done  chan struct{}
	came  R
	err   error
}

// NewTogether returns what has work do it, up to so many times at once, and for up to most
// in size together; what one caller asks for is not divided.
func NewTogether[T, R any](atOnce, most int, size func(T) int, work func(ctx context.Context, asked []T) (R, error)) *Together[T, R] {
	return &Together[T, R]{work: work, size: size, most: most, atOnce: atOnce}
}

// One is the size of what counts as one, whatever it is.
func One[T any](T) int { return 1 }

// Do answers what came of the statement in which this was asked for, which it shares with
// others. When ctx ends before, it may have been done or not. Under WithTx it is done at once,
// in that transaction.
func (t *Together[T, R]) Do(ctx context.Context, asked T) (R, error) {
	if Joined(ctx) {
		return t.work(ctx, []T{asked})
	}
	g, lead := t.join(ctx, asked)
	if lead {
		runtime.Gosched() // those who ask at the same moment come along
		if next := t.next(); next != nil {
			t.run(next)
			if next = t.next(); next != nil {
				go t.runFrom(next)
			}
		}
	}
	select {
	case <-g.done:
		return g.came, g.err
	case <-ctx.Done():
		var none R
		return none, ctx.Err()
	}
}

// Waiting answers how much waits for a statement under way to end.
func (t *Together[T, R]) Waiting() (size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.groups {
		size += g.size
	}
	return size
}

// join adds to the last group that waits, or to a new one when it is full. When another
// statement may run now, it is for the caller to run one.
func (t *Together[T, R]) join(ctx context.Context, asked T) (g *group[T, R], lead bool) {
	size := t.size(asked)
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.groups); n > 0 && t.groups[n-1].size+size <= t.most {
		last := t.groups[n-1]
		last.asked, last.size = append(last.asked, asked), last.size+size
		return last, false
	}
	g = &group[T, R]{first: ctx, asked: []T{asked}, size: size, done: make(chan struct{})}
	t.groups = append(t.groups, g)
	if lead = t.running < t.atOnce; lead {
		t.running++
	}
	return g, lead
}

// run does not end with the context of any one caller: others wait too.
func (t *Together[T, R]) run(g *group[T, R]) {
	defer close(g.done)
	ctx, cancel := context.WithTimeout(tracing.Follow(context.Background(), g.first), togetherTime)
	defer cancel()
	g.came, g.err = t.work(ctx, g.asked)
}

// next is the group that waits longest; without one, one statement less is running.
func (t *Together[T, R]) next() *group[T, R] {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.groups) == 0 {
		t.running--
		return nil
	}
	g := t.groups[0]
	t.groups = t.groups[1:]
	return g
}

func (t *Together[T, R]) runFrom(g *group[T, R]) {
	for ; g != nil; g = t.next() {
		t.run(g)
	}
}
