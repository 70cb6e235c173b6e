package auditlog_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"chelal/internal/audit"
	"chelal/internal/auditlog"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// gate counts the statements that write and lets each begin when it is told to.
type gate struct {
	pg.DB
	statements atomic.Int64
	begin      chan error // what a statement answers; nil lets it through
}

func (g *gate) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	g.statements.Add(1)
	if g.begin != nil {
		select {
		case err := <-g.begin:
			if err != nil {
				return pgconn.CommandTag{}, err
			}
		case <-ctx.Done():
			return pgconn.CommandTag{}, ctx.Err()
		}
	}
	return g.DB.Exec(ctx, sql, args...)
}

func viewOf(patient int64) []auditlog.Viewed {
	return []auditlog.Viewed{{Action: audit.View, Object: "patient", ID: patient, PatientID: patient, At: time.Now()}}
}

func viewsIn(t *testing.T, conn pg.DB) (n int64) {
	t.Helper()
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT count(*) FROM core_auditlog WHERE action = 'view'").Scan(&n))
	return n
}

// TestViewsShareAStatement holds the first statement up until a hundred more wait: they
// are written by the second.
func TestViewsShareAStatement(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	g := &gate{DB: pool, begin: make(chan error)}
	views := auditlog.NewViews(g)
	var all sync.WaitGroup
	write := func(patient int64) {
		all.Go(func() {
			if err := views.Write(context.Background(), viewOf(patient)); err != nil {
				t.Error(err)
			}
		})
	}
	write(1)
	require.Eventually(t, func() bool { return g.statements.Load() == 1 }, time.Minute, time.Millisecond)
	for n := range int64(100) {
		write(n + 2)
	}
	require.Eventually(t, func() bool { return views.Waiting() == 100 }, time.Minute, time.Millisecond)
	close(g.begin)
	all.Wait()
	require.EqualValues(t, 2, g.statements.Load())
	require.EqualValues(t, 101, viewsIn(t, pool))
}

// TestViewsOutliveTheirWriter cancels the request whose turn it is to write for others.
func TestViewsOutliveTheirWriter(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	g := &gate{DB: pool, begin: make(chan error)}
	views := auditlog.NewViews(g)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = views.Write(ctx, viewOf(1)) })
	require.Eventually(t, func() bool { return g.statements.Load() == 1 }, time.Minute, time.Millisecond)
	waiting, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- views.Write(waiting, viewOf(2)) }()
	require.Eventually(t, func() bool { return views.Waiting() == 1 }, time.Minute, time.Millisecond)
	all.Go(func() {
		if err := views.Write(t.Context(), viewOf(3)); err != nil {
			t.Error(err)
		}
	})
	require.Eventually(t, func() bool { return views.Waiting() == 2 }, time.Minute, time.Millisecond)
	cancel()
	leave()
	require.ErrorIs(t, <-left, context.Canceled, "who no longer waits is let go")
	close(g.begin)
	all.Wait()
	require.EqualValues(t, 3, viewsIn(t, pool))
}

func TestViewsFailTogetherAndGoOn(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	g := &gate{DB: pool, begin: make(chan error, 1)}
	views := auditlog.NewViews(g)
	away := errors.New("away")
	g.begin <- away
	require.ErrorIs(t, views.Write(t.Context(), viewOf(1)), away)
	g.begin <- nil
	require.NoError(t, views.Write(t.Context(), viewOf(2)))
	require.EqualValues(t, 1, viewsIn(t, pool))
}

func TestViewsOfABillAreItsPatients(t *testing.T) {
	t.Parallel()
	conn := testkit.Tx(t)
	bill := testkit.Bill(t, conn, testkit.Patient(t, conn, nil).ID, "10.00")
	views := auditlog.NewViews(conn)
	require.NoError(t, views.Write(t.Context(), []auditlog.Viewed{{Action: audit.View, Object: "payment", ID: 4, BillID: bill.ID, At: time.Now()}}))
	var patient int64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT patient_id FROM core_auditlog WHERE object_type = 'payment'").Scan(&patient))
	require.Equal(t, bill.PatientID, patient)
}
