package auditlog_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/auditlog"
	"chelal/internal/testkit"
)

var keys = auditlog.NewKeys([]byte("a secret of the tests, long enough to be one"))

func write(t testing.TB, conn interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, when time.Time) (id int64) {
	t.Helper()
	require.NoError(t, conn.QueryRow(context.Background(), `INSERT INTO core_auditlog (action, object_type, details, timestamp)
		VALUES ('edit', 'patient', '{"before": {"a": 1.50}}', $1) RETURNING id`, when).Scan(&id))
	return id
}

func seal(t testing.TB, pool *pgxpool.Pool) auditlog.Sealed {
	t.Helper()
	sealed, err := auditlog.Seal(context.Background(), pool, keys, time.Now(), "")
	require.NoError(t, err)
	return sealed
}

// sealUntil seals until so many rows are sealed.
func sealUntil(t testing.TB, pool *pgxpool.Pool, rows int64) {
	t.Helper()
	repeatUntil(t, rows, func() auditlog.Sealed { return seal(t, pool) })
}

// repeatUntil repeats a sealing until so many rows are sealed: other databases of the cluster may
// hold the horizon back for as long as a test of theirs takes.
func repeatUntil(t testing.TB, rows int64, seal func() auditlog.Sealed) {
	t.Helper()
	for sealed, deadline := int64(0), time.Now().Add(2*time.Minute); sealed < rows; {
		require.True(t, time.Now().Before(deadline), "the rows do not become complete")
		sealed += seal().Rows
	}
}

func verify(t testing.TB, pool *pgxpool.Pool) auditlog.Verification {
	t.Helper()
	found, err := auditlog.Verify(context.Background(), pool, keys, 0, func(auditlog.Verification) bool { return true })
	require.NoError(t, err)
	require.True(t, found.Complete)
	return found
}

// tamper does what only a superuser can.
func tamper(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	require.NoError(t, pgx.BeginFunc(context.Background(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(context.Background(), "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		done, err := tx.Exec(context.Background(), sql, args...)
		require.NotZero(t, done.RowsAffected(), sql)
		return err
	}))
}

func TestSealsHold(t *testing.T) {
	pool := testkit.Pool(t)
	require.Equal(t, auditlog.Verification{Complete: true}, verify(t, pool))
	for range 5 {
		write(t, pool, time.Now())
	}
	require.EqualValues(t, 5, verify(t, pool).Unsealed)
	sealUntil(t, pool, 5)
	write(t, pool, time.Now())
	found := verify(t, pool)
	require.Nil(t, found.Broken)
	require.EqualValues(t, 5, found.Rows)
	require.EqualValues(t, 1, found.Unsealed)
	require.Len(t, found.Head.Hash, 64)

	part, err := auditlog.Verify(t.Context(), pool, keys, found.Head.Seal, func(auditlog.Verification) bool { return true })
	require.NoError(t, err)
	require.Zero(t, part.Seals, "a walk may go on behind a seal")
	require.Equal(t, found.Head, part.Head)
}

// TestLateCommitIsSealedLater holds a transaction open, whose row has a lower id than
// those that are sealed meanwhile.
func TestLateCommitIsSealedLater(t *testing.T) {
	pool := testkit.Pool(t)
	early := write(t, pool, time.Now())
	late, err := pool.Begin(t.Context())
	require.NoError(t, err)
	lateID := write(t, late, time.Now())
	require.Greater(t, write(t, pool, time.Now()), lateID)
	sealUntil(t, pool, 1)
	require.Zero(t, seal(t, pool).Rows, "nothing behind the open transaction is sealed")
	require.NoError(t, late.Commit(t.Context()))
	sealUntil(t, pool, 2)
	found := verify(t, pool)
	require.Nil(t, found.Broken)
	require.EqualValues(t, 3, found.Rows)
	require.Less(t, early, lateID)
}

func TestTamperingIsFound(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		sql, code string
	}{
		"a changed row": {"UPDATE core_auditlog SET username = 'else' WHERE id = (SELECT min(id) + 3 FROM core_auditlog)", auditlog.RowChanged},
		"changed details": {`UPDATE core_auditlog SET details = '{"before": {"a": 1.5}}' WHERE id = (SELECT min(id) + 3 FROM core_auditlog)`,
			auditlog.RowChanged},
		"a moved moment": {"UPDATE core_auditlog SET timestamp = timestamp + interval '1 microsecond' WHERE id = (SELECT max(id) FROM core_auditlog)",
			auditlog.RowChanged},
		"a removed row": {"DELETE FROM core_auditlog WHERE id = (SELECT max(id) FROM core_auditlog)", auditlog.RowsRemoved},
		"an inserted row": {"INSERT INTO core_auditlog (action, xid) SELECT 'create', max(xid::text::bigint)::text::xid8 FROM core_auditlog",
			auditlog.RowsInserted},
		"a row inserted into another month": {`INSERT INTO core_auditlog (action, xid, timestamp)
			SELECT 'create', max(xid::text::bigint)::text::xid8, now() + interval '40 days' FROM core_auditlog`, auditlog.RowsInserted},
		"a changed seal":       {"UPDATE core_auditseal SET sealed_at = sealed_at + interval '1 second' WHERE id = 2", auditlog.SealChanged},
		"a changed row count":  {"UPDATE core_auditseal SET row_count = row_count + 1 WHERE id = 1", auditlog.SealChanged},
		"a changed signature":  {"UPDATE core_auditseal SET signature = 'forged' WHERE id = (SELECT max(id) FROM core_auditseal)", auditlog.BadSignature},
		"a removed seal":       {"DELETE FROM core_auditseal WHERE id = 1", auditlog.SealMissing},
		"a removed last seal":  {"DELETE FROM core_auditseal WHERE id = (SELECT max(id) FROM core_auditseal)", auditlog.SealMissing},
		"every seal removed":   {"DELETE FROM core_auditseal", auditlog.SealMissing},
		"a seal of the middle": {"DELETE FROM core_auditseal WHERE id = 2", auditlog.SealMissing},
	} {
		t.Run(name, func(t *testing.T) {
			pool := testkit.Pool(t)
			for range 3 {
				for range 4 {
					write(t, pool, now)
				}
				sealUntil(t, pool, 4)
			}
			require.Nil(t, verify(t, pool).Broken)
			tamper(t, pool, c.sql)
			found := verify(t, pool)
			require.NotNil(t, found.Broken)
			require.Equal(t, c.code, found.Broken.Code, found.Broken.Detail)
		})
	}
}

func TestArchivedMonths(t *testing.T) {
	pool := testkit.Pool(t)
	var names []string
	for months := range 3 {
		when := time.Now().UTC().AddDate(0, 0, 1-time.Now().UTC().Day()).AddDate(0, months, 0)
		names = append(names, when.Format("core_auditlog_200601"))
		write(t, pool, when)
		write(t, pool, when)
	}
	sealUntil(t, pool, 6)
	_, err := pool.Exec(t.Context(), "DROP TABLE "+names[0])
	require.NoError(t, err)
	found := verify(t, pool)
	require.Nil(t, found.Broken)
	require.Equal(t, names[:1], found.Archived)
	require.EqualValues(t, 2, found.ArchivedRows)
	require.EqualValues(t, 4, found.Rows)

	_, err = pool.Exec(t.Context(), "DROP TABLE "+names[2])
	require.NoError(t, err)
	require.Equal(t, auditlog.PartitionMissing, verify(t, pool).Broken.Code, "a month in the middle is not archived")
}

// TestRestoreBeginsAnEra pretends that the log was restored from a cluster that had seen
// far more transactions.
func TestRestoreBeginsAnEra(t *testing.T) {
	pool := testkit.Pool(t)
	write(t, pool, time.Now())
	sealUntil(t, pool, 1)
	_, err := pool.Exec(t.Context(), "INSERT INTO core_auditlog (action, xid) VALUES ('create', '1000000000000')")
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, auditlog.BeginEra(t.Context(), pool))
	}
	write(t, pool, time.Now())
	sealUntil(t, pool, 2)
	require.NoError(t, auditlog.BeginEra(t.Context(), pool))
	write(t, pool, time.Now())
	sealUntil(t, pool, 1)
	var eras int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(DISTINCT era) FROM core_auditlog").Scan(&eras))
	require.Equal(t, 2, eras)
	found := verify(t, pool)
	require.Nil(t, found.Broken)
	require.EqualValues(t, 4, found.Rows)

	tamper(t, pool, "INSERT INTO core_auditlog (action, era, xid) VALUES ('create', 1, '1000000000007')")
	require.Equal(t, auditlog.RowsInserted, verify(t, pool).Broken.Code)
}

func TestKeys(t *testing.T) {
	pool := testkit.Pool(t)
	write(t, pool, time.Now())
	sealUntil(t, pool, 1)
	write(t, pool, time.Now())
	other := auditlog.NewKeys([]byte("quite another secret, long enough to be one"))
	sealed, err := auditlog.Seal(t.Context(), pool, other, time.Now(), "")
	require.ErrorIs(t, err, auditlog.ErrSignature)
	rotated := append(auditlog.Keys{}, other[0], keys[0])
	for done := int64(0); done < 1; {
		again, err := auditlog.Seal(t.Context(), pool, rotated, time.Now(), "")
		require.NoError(t, err)
		done += again.Rows
	}
	found, err := auditlog.Verify(t.Context(), pool, other, 0, func(auditlog.Verification) bool { return true })
	require.NoError(t, err)
	require.Nil(t, found.Broken, "the newest seal vouches for those before it")
	require.Equal(t, auditlog.BadSignature, verify(t, pool).Broken.Code)

	require.NoError(t, auditlog.CheckNoted(t.Context(), pool, sealed.Head))
	require.ErrorContains(t, auditlog.CheckNoted(t.Context(), pool, auditlog.Head{Seal: 9, Hash: sealed.Head.Hash}), "gone")
	require.ErrorContains(t, auditlog.CheckNoted(t.Context(), pool, auditlog.Head{Seal: 2, Hash: sealed.Head.Hash}), "another")
	_, err = auditlog.Seal(t.Context(), pool, keys, time.Now(), found.Head.Hash)
	require.NoError(t, err, "a seal whose key is lost may be accepted by its hash")
}

// TestManyWritersAndSealers lets transactions of all lengths commit while four seal.
// TestABulkLoadIsReadOnce seals many rows of one transaction, of which the planner knows,
// in pages that do not each read all that is left.
func TestABulkLoadIsReadOnce(t *testing.T) {
	t.Parallel()
	const rows = 30_000
	pool, ctx := testkit.Pool(t), t.Context()
	_, err := pool.Exec(ctx, "INSERT INTO core_auditlog (action) SELECT 'create' FROM generate_series(1, $1)", rows)
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "ANALYZE core_auditlog")
	require.NoError(t, err)
	sealUntil(t, pool, rows)
	var read int64
	require.Eventually(t, func() bool {
		require.NoError(t, pool.QueryRow(ctx, `SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes
			WHERE indexrelname LIKE 'core_auditlog%era_xid_id_idx'`).Scan(&read))
		return read >= rows
	}, time.Minute, 50*time.Millisecond)
	require.Less(t, read, int64(2*rows))
}

// busy is a database in which something is written whenever a transaction begins.
type busy struct {
	*pgxpool.Pool
	write func()
}

func (b busy) Begin(ctx context.Context) (pgx.Tx, error) {
	b.write()
	return b.Pool.Begin(ctx)
}

// TestSealingEndsWhileOthersWrite holds that what is written meanwhile is left for the next time.
func TestSealingEndsWhileOthersWrite(t *testing.T) {
	pool := testkit.Pool(t)
	for range 3 {
		write(t, pool, time.Now())
	}
	written := int64(3)
	conn := busy{pool, func() { written++; write(t, pool, time.Now()) }}
	for deadline := time.Now().Add(2 * time.Minute); ; {
		require.True(t, time.Now().Before(deadline), "the rows do not become complete")
		sealed, err := auditlog.Seal(t.Context(), conn, keys, time.Now(), "")
		require.NoError(t, err)
		require.Less(t, sealed.Rows, written)
		require.LessOrEqual(t, sealed.Seals, int64(1))
		if sealed.Rows >= 3 {
			return
		}
	}
}

func TestSealingGentlyLeavesNothingOut(t *testing.T) {
	t.Parallel()
	const rows = 2_000 // several pages
	pool := testkit.Pool(t)
	_, err := pool.Exec(t.Context(), "INSERT INTO core_auditlog (action) SELECT 'create' FROM generate_series(1, $1)", rows)
	require.NoError(t, err)
	rests := 0
	rest := func(context.Context, time.Duration) error { rests++; return nil }
	repeatUntil(t, rows, func() auditlog.Sealed {
		sealed, err := auditlog.SealGently(t.Context(), pool, keys, time.Now(), rest)
		require.NoError(t, err)
		return sealed
	})
	require.Greater(t, rests, 1)
	found := verify(t, pool)
	require.Nil(t, found.Broken)
	require.EqualValues(t, rows, found.Rows)
	require.Zero(t, found.Unsealed)
}

func TestManyWritersAndSealers(t *testing.T) {
	pool := testkit.Pool(t)
	var writers, sealers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		sealers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := auditlog.Seal(context.Background(), pool, keys, time.Now(), ""); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	const each, rows = 20, 3
	for w := range 8 {
		writers.Go(func() {
			for n := range each {
				tx, err := pool.Begin(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				for range rows {
					write(t, tx, time.Now().AddDate(0, w%2, 0))
				}
				if n%5 == 4 {
					err = tx.Rollback(context.Background())
				} else {
					err = tx.Commit(context.Background())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	sealers.Wait()
	const all = 8 * each * 4 / 5 * rows
	for deadline := time.Now().Add(2 * time.Minute); verify(t, pool).Rows < all; {
		require.False(t, t.Failed(), "a writer gave up")
		require.True(t, time.Now().Before(deadline), "the rows do not become complete")
		seal(t, pool)
	}
	found := verify(t, pool)
	require.Nil(t, found.Broken)
	require.EqualValues(t, all, found.Rows)
	require.Zero(t, found.Unsealed)
}

// BenchmarkChain seals and verifies 200,000 rows.
func BenchmarkChain(b *testing.B) {
	const rows = 200_000
	var sealing, verifying time.Duration
	for b.Loop() {
		b.StopTimer()
		pool := testkit.Pool(b)
		_, err := pool.Exec(b.Context(), fmt.Sprintf(`INSERT INTO core_auditlog (user_id, username, action, object_type, object_id,
			patient_id, description, request_id, ip_address) SELECT n %% 40, 'nurse', 'view', 'patient', n, n, 'listPatients',
			gen_random_uuid(), '192.0.2.1' FROM generate_series(1, %d) n`, rows))
		require.NoError(b, err)
		b.StartTimer()
		start := time.Now()
		sealUntil(b, pool, rows)
		sealing += time.Since(start)
		start = time.Now()
		require.EqualValues(b, rows, verify(b, pool).Rows)
		verifying += time.Since(start)
	}
	b.ReportMetric(float64(rows*b.N)/sealing.Seconds(), "sealed/s")
	b.ReportMetric(float64(rows*b.N)/verifying.Seconds(), "verified/s")
}
