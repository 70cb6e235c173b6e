package auditlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
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

func (g *gate) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	g.statements.Add(1)
	if g.begin != nil {
		select {
		case err := <-g.begin:
			if err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return g.DB.Query(ctx, sql, args...)
}

func viewOf(patient int64) auditlog.Answer {
	return auditlog.Answer{Shown: []auditlog.Viewed{{Action: audit.View, Object: "patient", ID: patient, PatientID: patient}}, At: time.Now()}
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

// TestWhatAnAnswerShows holds the rows of answers that show one record, several of a patient,
// of several, of bills, and of more than one kind.
func TestWhatAnAnswerShows(t *testing.T) {
	t.Parallel()
	conn := testkit.Tx(t)
	bill := testkit.Bill(t, conn, testkit.Patient(t, conn, nil).ID, "10.00")
	other := testkit.Bill(t, conn, testkit.Patient(t, conn, nil).ID, "10.00")
	view := func(object string, id, patient, bill int64) auditlog.Viewed {
		return auditlog.Viewed{Action: audit.View, Object: object, ID: id, PatientID: patient, BillID: bill}
	}
	for name, c := range map[string]struct {
		shown []auditlog.Viewed
		want  []string // object, its id, the patient, the patients, the records
	}{
		"one":                   {[]auditlog.Viewed{view("patient", 7, 7, 0)}, []string{"patient - 7 - -"}},
		"patients":              {[]auditlog.Viewed{view("patient", 8, 8, 0), view("patient", 7, 7, 0)}, []string{"patient - - {7,8} -"}},
		"several of a patient":  {[]auditlog.Viewed{view("encounter", 2, 7, 0), view("encounter", 1, 7, 0)}, []string{"encounter - 7 - {1,2}"}},
		"of several":            {[]auditlog.Viewed{view("encounter", 2, 7, 0), view("encounter", 1, 8, 0)}, []string{"encounter - - {7,8} {1,2}"}},
		"of a bill's patient":   {[]auditlog.Viewed{view("payment", 4, 0, bill.ID)}, []string{fmt.Sprintf("payment 4 %d - -", bill.PatientID)}},
		"of the bills of two":   {[]auditlog.Viewed{view("payment", 4, 0, bill.ID), view("payment", 5, 0, other.ID), view("payment", 6, 0, bill.ID)}, []string{fmt.Sprintf("payment - - {%d,%d} {4,5,6}", bill.PatientID, other.PatientID)}},
		"of two kinds":          {[]auditlog.Viewed{view("bill", 3, 7, 0), view("patient", 7, 7, 0)}, []string{"bill 3 7 - -", "patient - 7 - -"}},
		"by a patient and bill": {[]auditlog.Viewed{view("payment", 1, 1e9, 0), view("payment", 4, 0, bill.ID)}, []string{fmt.Sprintf("payment - - {%d,1000000000} {1,4}", bill.PatientID)}},
	} {
		require.NoError(t, auditlog.NewViews(conn).Write(t.Context(), auditlog.Answer{Shown: c.shown, RequestID: name, At: time.Now()}))
		rows, err := conn.Query(t.Context(), `SELECT concat_ws(' ', object_type, coalesce(object_id, '-'), coalesce(patient_id::text, '-'),
			coalesce(patient_ids::text, '-'), coalesce(object_ids::text, '-')) FROM core_auditlog WHERE request_id = $1 ORDER BY id`, name)
		require.NoError(t, err)
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Equal(t, c.want, got, name)
	}
}
