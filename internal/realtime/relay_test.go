package realtime_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/testkit"
)

// TestALateCommitIsNotSkipped: an event that was written first and committed last comes
// after those that were numbered meanwhile, also for somebody who resumes after them.
func TestALateCommitIsNotSkipped(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.Pool(t))
	live := h.listen(t, -1)
	require.Equal(t, "ready", live.next().Type)
	ctx := context.Background()
	late, err := h.pool.Begin(ctx)
	require.NoError(t, err)
	_, err = late.Exec(ctx, announce, 1)
	require.NoError(t, err)
	execute(t, h.pool, announce, 2)
	h.relay.Wake()
	early := live.next()
	require.Equal(t, 2, early.Data.N)

	require.NoError(t, late.Commit(ctx))
	h.relay.Wake()
	last := live.next()
	require.Equal(t, 1, last.Data.N)
	require.Equal(t, early.ID+1, last.ID)
	require.Equal(t, last, h.listen(t, early.ID).next())
}

// TestNumbersFollowWhatSawWhat has many writers, some of whom give up, and three
// processes that number. Every change reads a counter under a lock and writes its event
// last, as changes do: the numbers are in the order of the counter, and without gaps.
func TestNumbersFollowWhatSawWhat(t *testing.T) {
	t.Parallel()
	const writers, each, counters = 8, 40, 3
	pool := testkit.Pool(t)
	execute(t, pool, "CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL)")
	execute(t, pool, "INSERT INTO counter SELECT g, 0 FROM generate_series(1, $1) g", counters)
	var houses []*house
	var listeners []*listener
	for range 3 {
		h := newHouse(t, pool)
		l := h.listen(t, -1)
		require.Equal(t, "ready", l.next().Type)
		houses, listeners = append(houses, h), append(listeners, l)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	committed := 0
	for w := range writers {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(w), 1))
			for range each {
				done, err := count(pool, 1+dice.IntN(counters), dice.IntN(5) == 0)
				if err != nil {
					t.Error(err)
					return
				}
				houses[dice.IntN(len(houses))].relay.Wake()
				mu.Lock()
				committed += done
				mu.Unlock()
			}
		})
	}
	all.Wait()
	require.Positive(t, committed)
	for _, l := range listeners {
		last := map[int]int{}
		for number := int64(1); number <= int64(committed); number++ {
			m := l.next()
			require.Equal(t, number, m.ID, "each once, in order, and none missing")
			counter, n := m.Data.N%10, m.Data.N/10
			require.Equal(t, last[counter]+1, n)
			last[counter] = n
		}
	}
}

// count counts one further, tells it and commits, or gives up.
func count(pool pg, counter int, giveUp bool) (int, error) {
	ctx := context.Background()
	tx, err := pool.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	var n int
	if err := tx.QueryRow(ctx, "UPDATE counter SET n = n + 1 WHERE id = $1 RETURNING n", counter).Scan(&n); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, announce, n*10+counter); err != nil || giveUp {
		return 0, err
	}
	return 1, tx.Commit(ctx)
}

type pg interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// TestWhatNobodyPassedOnIsPassedOn: a process numbered events and died. Nothing wakes the
// others, which find them all the same.
func TestWhatNobodyPassedOnIsPassedOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.Pool(t))
	l := h.listen(t, -1)
	require.Equal(t, "ready", l.next().Type)
	execute(t, h.pool, announce, 1)
	_, err := db.New().EventsNumber(t.Context(), h.pool, 10)
	require.NoError(t, err)
	execute(t, h.pool, announce, 2)
	require.Equal(t, 1, l.next().Data.N)
	require.Equal(t, 2, l.next().Data.N)
}

// TestEverybodyReadsAnewAfterALoss: events that had expired before this process told them,
// and a database that was restored from a copy.
func TestEverybodyReadsAnewAfterALoss(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.Pool(t))
	l := h.listen(t, -1)
	require.Equal(t, "ready", l.next().Type)
	ctx := context.Background()
	tx, err := h.pool.Begin(ctx)
	require.NoError(t, err)
	for n := range 3 {
		_, err = tx.Exec(ctx, announce, n+1)
		require.NoError(t, err)
	}
	_, err = tx.Exec(ctx, "SELECT core_events_number(10)")
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "DELETE FROM core_event WHERE number < 3")
	require.NoError(t, err)
	require.NoError(t, tx.Commit(ctx))
	m := l.next()
	require.Equal(t, "resync", m.Type)
	require.EqualValues(t, 2, m.ID)
	require.Equal(t, 3, l.next().Data.N)

	execute(t, h.pool, "TRUNCATE core_event")
	m = l.next()
	require.Equal(t, "resync", m.Type)
	require.EqualValues(t, 0, m.ID)
	execute(t, h.pool, announce, 4)
	require.Equal(t, 4, l.next().Data.N, "though its number is one that was before")
}

// TestManyEventsAreNumberedInSteps has more than one statement numbers.
func TestManyEventsAreNumberedInSteps(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.Pool(t))
	l := h.listen(t, -1)
	require.Equal(t, "ready", l.next().Type)
	const n = 1700
	execute(t, h.pool, `INSERT INTO core_event (topic, type, to_staff, data)
		SELECT CASE WHEN g % 10 = 0 THEN 'appointments' ELSE 'notifications' END, 'x', true, jsonb_build_object('n', g)
		FROM generate_series(1, $1) g`, n)
	began := time.Now()
	for want := 10; want <= n; want += 10 {
		m := l.next()
		require.Equal(t, want, m.Data.N)
		require.EqualValues(t, want, m.ID)
	}
	t.Logf("after %v", time.Since(began))
}

// TestAClientMayComeFromAProcessThatIsAhead: it has heard what this one has still to tell.
func TestAClientMayComeFromAProcessThatIsAhead(t *testing.T) {
	t.Parallel()
	h := openHouse(t, testkit.Pool(t))
	for n := range 3 {
		execute(t, h.pool, announce, n+1)
	}
	_, err := db.New().EventsNumber(t.Context(), h.pool, 10)
	require.NoError(t, err)
	l := h.listen(t, 2)
	m := l.next()
	require.Equal(t, "ready", m.Type)
	require.EqualValues(t, 2, m.ID)
	h.start()
	require.Equal(t, 3, l.next().Data.N)
}
