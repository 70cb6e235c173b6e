package pg_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// doubled answers the double of each number asked for, and may be held up.
type doubled struct {
	statements atomic.Int64
	atOnce     atomic.Int64
	taken      atomic.Int64 // how many callers the statements so far serve
	held       chan struct{}
}

func (d *doubled) work(_ context.Context, asked []int) (map[int]int, error) {
	d.statements.Add(1)
	d.atOnce.Add(1)
	d.taken.Add(int64(len(asked)))
	defer d.atOnce.Add(-1)
	if d.held != nil {
		<-d.held
	}
	came := map[int]int{}
	for _, n := range asked {
		came[n] = 2 * n
	}
	return came, nil
}

func TestTogetherServesEverybodyInFewStatements(t *testing.T) {
	t.Parallel()
	d := &doubled{held: make(chan struct{})}
	together := pg.NewTogether(2, 10, pg.One, d.work)
	var all sync.WaitGroup
	for n := range 100 {
		all.Go(func() {
			came, err := together.Do(t.Context(), n)
			if err != nil || came[n] != 2*n {
				t.Errorf("%d: %v, %v", n, came[n], err)
			}
		})
	}
	require.Eventually(t, func() bool {
		return d.atOnce.Load() == 2 && d.taken.Load()+int64(together.Waiting()) == 100
	}, 10*time.Second, time.Millisecond, "two are on their way, and all others wait")
	close(d.held)
	all.Wait()
	require.LessOrEqual(t, d.statements.Load(), int64(12), "two, and then ten of ten")
	require.Zero(t, together.Waiting())
}

// TestTogetherReadsWhatWasWrittenBefore has many callers write a counter and then read it:
// nobody is answered by a statement that began before it asked.
func TestTogetherReadsWhatWasWrittenBefore(t *testing.T) {
	t.Parallel()
	var counter atomic.Int64
	together := pg.NewTogether(2, 10, pg.One, func(context.Context, []int) (int64, error) {
		read := counter.Load()
		time.Sleep(time.Millisecond) // the way back
		return read, nil
	})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 50 {
				written := counter.Add(1)
				if read, err := together.Do(t.Context(), 0); err != nil || read < written {
					t.Errorf("read %d after writing %d: %v", read, written, err)
				}
			}
		})
	}
	all.Wait()
}

func TestTogetherOutlivesTheCallerWhoBegan(t *testing.T) {
	t.Parallel()
	d := &doubled{held: make(chan struct{})}
	together := pg.NewTogether(1, 10, pg.One, d.work)
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _, _ = together.Do(t.Context(), 1) })
	require.Eventually(t, func() bool { return d.atOnce.Load() == 1 }, 10*time.Second, time.Millisecond)
	all.Go(func() {
		if _, err := together.Do(ctx, 2); !errors.Is(err, context.Canceled) {
			t.Errorf("it left: %v", err)
		}
	})
	require.Eventually(t, func() bool { return together.Waiting() == 1 }, 10*time.Second, time.Millisecond)
	all.Go(func() {
		if came, err := together.Do(t.Context(), 3); err != nil || came[3] != 6 {
			t.Errorf("it stayed: %v, %v", came, err)
		}
	})
	require.Eventually(t, func() bool { return together.Waiting() == 2 }, 10*time.Second, time.Millisecond)
	leave()
	close(d.held)
	all.Wait()
}

func TestTogetherFailsForAllOfAStatementAndGoesOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	together := pg.NewTogether(1, 10, pg.One, func(_ context.Context, asked []int) (int, error) {
		if slices.Contains(asked, 1) {
			return 0, broken
		}
		return len(asked), nil
	})
	_, err := together.Do(t.Context(), 1)
	require.ErrorIs(t, err, broken)
	came, err := together.Do(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, 1, came)
}

// inTransaction answers a DB, a transaction on it, and what counts the rows of a table that only
// this transaction sees.
func inTransaction(t *testing.T) (conn pg.DB, tx pgx.Tx, count func(context.Context) (int, error)) {
	t.Helper()
	conn = pg.Joining(testkit.Pool(t))
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, tx.Rollback(context.WithoutCancel(t.Context()))) })
	_, err = tx.Exec(t.Context(), "CREATE TEMP TABLE only_here (n int)")
	require.NoError(t, err)
	return conn, tx, func(ctx context.Context) (n int, err error) {
		return n, conn.QueryRow(ctx, "SELECT count(*) FROM only_here").Scan(&n)
	}
}

func TestTogetherWorksInTheCallersTransaction(t *testing.T) {
	t.Parallel()
	_, tx, count := inTransaction(t)
	together := pg.NewTogether(1, 10, pg.One, func(ctx context.Context, _ []int) (int, error) { return count(ctx) })
	_, err := together.Do(pg.WithTx(t.Context(), tx), 1)
	require.NoError(t, err)
	_, err = together.Do(t.Context(), 1)
	require.ErrorContains(t, err, "only_here")
}
