package pg_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/pg"
)

// library is what can be read, one reading after the other let through.
type library struct {
	conn     pg.DB
	readings atomic.Int64
	let      chan struct{}
}

func newLibrary() *library { return &library{conn: pg.Joining(nil), let: make(chan struct{})} }

// ask answers which reading of the key it was.
func (l *library) ask(ctx context.Context, key string) (int64, error) {
	return pg.Alike(ctx, l.conn, key, func(ctx context.Context) (int64, error) {
		n := l.readings.Add(1)
		select {
		case <-l.let:
			return n, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
}

// begun waits until so many readings have begun.
func (l *library) begun(t *testing.T, n int64) {
	require.Eventually(t, func() bool { return l.readings.Load() == n }, 10*time.Second, time.Millisecond)
}

func TestThoseWhoAskAlikeShareTheNextReading(t *testing.T) {
	t.Parallel()
	l := newLibrary()
	var all sync.WaitGroup
	ask := func(key string, want int64) {
		all.Go(func() {
			if n, err := l.ask(t.Context(), key); err != nil || n != want {
				t.Errorf("%s: reading %d, not %d: %v", key, n, want, err)
			}
		})
	}
	ask("page", 1)
	l.begun(t, 1)
	ask("another page", 2)
	l.begun(t, 2)
	for range 50 {
		ask("page", 3) // the first began before they asked
	}
	time.Sleep(50 * time.Millisecond) // until most have asked; whoever comes later still gets the third
	l.let <- struct{}{}
	l.let <- struct{}{}
	l.begun(t, 3)
	l.let <- struct{}{}
	all.Wait()
}

// TestAReadingShowsWhatWasWrittenBeforeItWasAskedFor has many write and then read.
func TestAReadingShowsWhatWasWrittenBeforeItWasAskedFor(t *testing.T) {
	t.Parallel()
	conn := pg.Joining(nil)
	var counter, readings atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 50 {
				written := counter.Add(1)
				read, err := pg.Alike(t.Context(), conn, "counter", func(context.Context) (int64, error) {
					readings.Add(1)
					read := counter.Load()
					time.Sleep(time.Millisecond) // the way back
					return read, nil
				})
				if err != nil || read < written {
					t.Errorf("read %d after writing %d: %v", read, written, err)
				}
			}
		})
	}
	all.Wait()
	require.Less(t, readings.Load(), int64(16*50), "some are shared")
}

func TestAReadingGoesOnUntilAllHaveLeft(t *testing.T) {
	t.Parallel()
	l := newLibrary()
	first, leaveFirst := context.WithCancel(t.Context())
	second, leaveSecond := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _, _ = l.ask(t.Context(), "page") })
	l.begun(t, 1)
	left := func(ctx context.Context) {
		all.Go(func() {
			if _, err := l.ask(ctx, "page"); !errors.Is(err, context.Canceled) {
				t.Errorf("it left: %v", err)
			}
		})
	}
	left(first)
	left(second)
	time.Sleep(50 * time.Millisecond) // both wait for the second reading
	l.let <- struct{}{}
	l.begun(t, 2)
	leaveFirst()
	stays := make(chan struct{})
	all.Go(func() {
		defer close(stays)
		if n, err := l.ask(t.Context(), "page"); err != nil || n != 3 {
			t.Errorf("reading %d: %v", n, err)
		}
	})
	leaveSecond() // nobody waits for the second reading any more: it ends by itself
	l.begun(t, 3)
	l.let <- struct{}{}
	<-stays
	all.Wait()
}

func TestWhoLeavesBeforeTheReadingBeginsTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	l := newLibrary()
	var all sync.WaitGroup
	all.Go(func() { _, _ = l.ask(t.Context(), "page") })
	l.begun(t, 1)
	ctx, leave := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer leave()
	_, err := l.ask(ctx, "page")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	all.Go(func() {
		if n, err := l.ask(t.Context(), "page"); err != nil || n == 1 {
			t.Errorf("reading %d: %v", n, err)
		}
	})
	close(l.let)
	all.Wait()
}

func TestAReadingThatPanicsFailsWhoWaits(t *testing.T) {
	t.Parallel()
	conn := pg.Joining(nil)
	_, err := pg.Alike(t.Context(), conn, "page", func(context.Context) (int, error) { panic("no such shelf") })
	require.ErrorContains(t, err, "no such shelf")
	n, err := pg.Alike(t.Context(), conn, "page", func(context.Context) (int, error) { return 7, nil })
	require.NoError(t, err)
	require.Equal(t, 7, n)
}

func TestInATransactionNothingIsShared(t *testing.T) {
	t.Parallel()
	conn, tx, count := inTransaction(t)
	_, err := pg.Alike(pg.WithTx(t.Context(), tx), conn, "count", count)
	require.NoError(t, err)
	_, err = pg.Alike(t.Context(), conn, "count", count)
	require.ErrorContains(t, err, "only_here")
}
