package change_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/semaphore"

	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestJobIsThereWithTheChangeAndKnowsItsRequest(t *testing.T) {
	t.Parallel()
	conn := testkit.Tx(t)
	store := &change.Store{DB: conn, Now: time.Now}
	ctx := change.WithOrigin(t.Context(), change.Origin{RequestID: "request-1"})
	enqueue := func(ctx context.Context, end error) error {
		return store.Do(ctx, func(c *change.Change) error {
			require.NoError(t, c.Enqueue(ctx, jobs.FoldFigures{}, nil))
			return end
		})
	}
	failure := errors.New("no")
	require.ErrorIs(t, enqueue(ctx, failure), failure)
	require.Empty(t, metadata(t, conn))
	require.NoError(t, enqueue(ctx, nil))
	require.Equal(t, []map[string]string{{"request_id": "request-1"}}, metadata(t, conn))
}

// TestLastComesAfterWhatIsRecorded holds that what is asked last comes in its order after what was
// recorded and announced, that its answers are there when Do returns, and that it is in the transaction.
func TestLastComesAfterWhatIsRecorded(t *testing.T) {
	t.Parallel()
	conn := testkit.Tx(t)
	store := &change.Store{DB: conn, Now: time.Now}
	var deeds, news, answer int
	count := func(ctx context.Context, conn db.DBTX) error {
		return conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM core_auditlog WHERE object_type = 'thing'),
			(SELECT count(*) FROM core_event WHERE type = 'thing.made')`).Scan(&deeds, &news)
	}
	carryOut := func(last ...pg.Question) error {
		return store.Do(t.Context(), func(c *change.Change) error {
			c.Last(last...)
			require.NoError(t, c.Record(audit.Entry{Action: audit.Create, Object: "thing", ID: 1}))
			return c.Announce(change.Event{Topic: "appointments", Type: "thing.made", Staff: true, Data: 1})
		})
	}
	require.NoError(t, carryOut(func(conn db.DBTX) error { return count(t.Context(), conn) }, func(conn db.DBTX) error {
		return conn.QueryRow(t.Context(), "SELECT 7").Scan(&answer)
	}))
	require.Equal(t, []int{1, 1, 7}, []int{deeds, news, answer})

	var refused *pgconn.PgError
	require.ErrorAs(t, carryOut(func(conn db.DBTX) error {
		_, err := conn.Exec(t.Context(), "SELECT 1/0")
		return err
	}), &refused)
	require.NoError(t, count(t.Context(), conn))
	require.Equal(t, []int{1, 1}, []int{deeds, news}, "nothing is left of a change whose last question is refused")
}

// metadata are those of all jobs.
func metadata(t *testing.T, conn pg.DB) []map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT metadata FROM river.river_job ORDER BY id")
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
	require.NoError(t, err)
	all := make([]map[string]string, len(found))
	for i, text := range found {
		require.NoError(t, json.Unmarshal(text, &all[i]))
	}
	return all
}

// TestChangesTakeTurns holds that no more changes are under way than may be, that what is a part
// of one does not wait for it, and that who does not want to wait any more leaves.
func TestChangesTakeTurns(t *testing.T) {
	t.Parallel()
	const most, all = 3, 20
	store := &change.Store{DB: pg.Joining(testkit.Pool(t)), Now: time.Now, Turns: semaphore.NewWeighted(most)}
	var underWay, peak atomic.Int64
	var group sync.WaitGroup
	for range all {
		group.Go(func() {
			err := store.Do(t.Context(), func(c *change.Change) error {
				n := underWay.Add(1)
				defer underWay.Add(-1)
				for seen := peak.Load(); n > seen && !peak.CompareAndSwap(seen, n); seen = peak.Load() {
				}
				if _, err := c.Tx.Exec(t.Context(), "SELECT pg_sleep(0.02)"); err != nil {
					return err
				}
				return store.Do(pg.WithTx(t.Context(), c.Tx), func(*change.Change) error { return nil })
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, most, peak.Load())

	require.NoError(t, store.Turns.Acquire(t.Context(), most))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	first := []pg.Question{func(db.DBTX) error {
		t.Error("it had no turn")
		return nil
	}}
	require.ErrorIs(t, store.DoAfter(ctx, first, func(*change.Change) error { return nil }), context.Canceled)
	require.ErrorIs(t, store.InTx(ctx, func(pgx.Tx) error { return nil }), context.Canceled)
}
