package pg

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// Alike has those who ask the same at the same time share one reading: a page that everybody
// has open is read once, however many look. Who asks while it is read gets the next reading,
// which begins after they asked, so nobody is shown less than was committed by then. What is
// read is shared and not to be changed. It goes on until all who wait for it have left.
//
// The key says all that the answer depends on. Only a Joining DB outside of a transaction
// shares; any other one reads at once.
func Alike[R any](ctx context.Context, conn DB, key any, read func(context.Context) (R, error)) (R, error) {
	j, ok := conn.(joining)
	if !ok || Joined(ctx) {
		return read(ctx)
	}
	_, onReplica := ctx.Value(replicaKey{}).(DB)
	came, err := j.readings.share(ctx, question{onReplica, key}, func(ctx context.Context) (any, error) { return read(ctx) })
	answer, _ := came.(R)
	return answer, err
}

// question is what somebody asks, and of whom.
type question struct {
	ofReplica bool
	key       any
}

// readings are those under way and those that begin next.
type readings struct {
	mu    sync.Mutex
	under map[question]bool
	next  map[question]*reading
}

// reading answers a question. What came of it is to be read when done is closed.
type reading struct {
	read    func(context.Context) (any, error)
	ctx     context.Context
	leave   context.CancelFunc
	waiting int  // who is still interested
	shared  bool // several asked
	done    chan struct{}
	came    any
	err     error
}

func (rs *readings) share(ctx context.Context, q question, read func(context.Context) (any, error)) (any, error) {
	r := rs.join(ctx, q, read)
	select {
	case <-r.done:
		return r.came, r.err
	case <-ctx.Done():
		rs.mu.Lock()
		defer rs.mu.Unlock()
		if r.waiting--; r.waiting == 0 {
			r.leave()
		}
		return nil, ctx.Err()
	}
}

// join answers the reading that begins next, and sees to it that it does.
func (rs *readings) join(ctx context.Context, q question, read func(context.Context) (any, error)) *reading {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.next[q]; r != nil && r.waiting > 0 {
		r.waiting++
		r.shared = true
		return r
	}
	r := &reading{read: read, waiting: 1, done: make(chan struct{})}
	r.ctx, r.leave = context.WithCancel(context.WithoutCancel(ctx))
	rs.next[q] = r
	if !rs.under[q] {
		rs.under[q] = true
		go rs.run(q)
	}
	return r
}

// readingRest is how long a question that several asked is not read anew: most who ask it again come
// within it, and share the next reading too.
const readingRest = time.Millisecond

// run answers a question until nobody asks it any more.
func (rs *readings) run(q question) {
	for {
		runtime.Gosched() // those who ask at the same moment come along
		rs.mu.Lock()
		r := rs.next[q]
		delete(rs.next, q)
		if r == nil {
			delete(rs.under, q)
		}
		rs.mu.Unlock()
		if r == nil {
			return
		}
		r.answer()
		if r.shared {
			time.Sleep(readingRest)
		}
	}
}

// answer fails those who wait when it panics, as a request of one alone would.
func (r *reading) answer() {
	defer close(r.done)
	defer r.leave()
	defer func() {
		if reason := recover(); reason != nil {
			r.err = fmt.Errorf("panic: %v\n%s", reason, debug.Stack())
		}
	}()
	r.came, r.err = r.read(r.ctx)
}
