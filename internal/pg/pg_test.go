package pg_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func insertsNumber(t *testing.T, n int) pg.Question {
	return func(conn db.DBTX) error {
		_, err := conn.Exec(t.Context(), "INSERT INTO numbers VALUES ($1)", n)
		return err
	}
}

func TestInTxBetween(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	_, err := pool.Exec(t.Context(), "CREATE TABLE numbers (n int UNIQUE)")
	require.NoError(t, err)
	first := []pg.Question{insertsNumber(t, 1), insertsNumber(t, 2)}
	sum := func(ctx context.Context, conn pg.DB) (sum int) {
		require.NoError(t, conn.QueryRow(ctx, "SELECT coalesce(sum(n), 0) FROM numbers").Scan(&sum))
		return sum
	}
	insert := func(numbers ...int) func(pgx.Tx) ([]pg.Question, error) {
		return func(tx pgx.Tx) ([]pg.Question, error) {
			for _, n := range numbers {
				if err := insertsNumber(t, n)(tx); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	}
	broken := errors.New("broken")
	var refused *pgconn.PgError
	for name, conn := range map[string]pg.DB{"a pool": pool, "a joining pool": pg.Joining(pool)} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			require.ErrorIs(t, pg.InTxBetween(ctx, conn, first, func(tx pgx.Tx) ([]pg.Question, error) {
				require.Equal(t, 3, sum(ctx, tx))
				return nil, broken
			}), broken)
			require.ErrorAs(t, pg.InTxBetween(ctx, conn, first, insert(3, 3)), &refused)
			require.Zero(t, sum(ctx, conn), "nothing of a transaction that failed is left")

			require.NoError(t, pg.InTxBetween(ctx, conn, first, insert(3)))
			require.Equal(t, 6, sum(ctx, conn))
			require.ErrorAs(t, pg.InTxBetween(ctx, conn, first, func(pgx.Tx) ([]pg.Question, error) {
				t.Error("it goes on after what came first has failed")
				return nil, nil
			}), &refused)
			require.Equal(t, "numbers_n_key", refused.ConstraintName)
			require.Equal(t, 6, sum(ctx, conn), "the connection is fit for use")

			gone, cancel := context.WithCancel(ctx)
			cancel()
			require.ErrorIs(t, pg.InTxBetween(gone, conn, first, insert(4)), context.Canceled)
			_, err := conn.Exec(ctx, "TRUNCATE numbers")
			require.NoError(t, err)
		})
	}
	require.Zero(t, pool.Stat().AcquiredConns(), "each was given back")
}

// TestLastOfATransaction holds that what is kept back is done in its order before the commit, and that
// a commit that fails, for whatever reason, is said and leaves nothing behind.
func TestLastOfATransaction(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	_, err := pool.Exec(t.Context(), `CREATE TABLE numbers (id int GENERATED ALWAYS AS IDENTITY, n int UNIQUE,
		twice int UNIQUE DEFERRABLE INITIALLY DEFERRED)`)
	require.NoError(t, err)
	const insert = "INSERT INTO numbers (n, twice) VALUES ($1, $1 / 10)"
	answered := 0
	keep := func(ctx context.Context, numbers ...int) func(pgx.Tx) ([]pg.Question, error) {
		return func(pgx.Tx) (last []pg.Question, _ error) {
			for _, n := range numbers {
				last = append(last, func(conn db.DBTX) error {
					return conn.QueryRow(ctx, insert+" RETURNING n", n).Scan(&answered)
				})
			}
			return last, nil
		}
	}
	numbers := func(conn pg.DB) []int {
		rows, err := conn.Query(t.Context(), "SELECT n FROM numbers ORDER BY id")
		require.NoError(t, err)
		all, err := pgx.CollectRows(rows, pgx.RowTo[int])
		require.NoError(t, err)
		return all
	}
	refused := func(err error, constraint string) {
		t.Helper()
		var said *pgconn.PgError
		require.ErrorAs(t, err, &said)
		require.Equal(t, constraint, said.ConstraintName)
	}
	write := func(conn pg.DB) {
		ctx := t.Context()
		require.NoError(t, pg.InTxBetween(ctx, conn, nil, keep(ctx)))
		require.NoError(t, pg.InTxBetween(ctx, conn, nil, keep(ctx, 30, 10, 20)))
		require.Equal(t, 20, answered)
		refused(pg.InTxBetween(ctx, conn, nil, keep(ctx, 40, 10, 50)), "numbers_n_key")
		require.Panics(t, func() {
			_ = pg.InTxBetween(ctx, conn, nil, func(tx pgx.Tx) ([]pg.Question, error) {
				_, err := tx.Exec(ctx, insert, 60)
				require.NoError(t, err)
				panic("no answer")
			})
		})
		require.Equal(t, []int{30, 10, 20}, numbers(conn))
	}
	write(pool)
	refused(pg.InTxBetween(t.Context(), pool, nil, keep(t.Context(), 70, 71)), "numbers_twice_key")
	require.Equal(t, []int{30, 10, 20}, numbers(pool), "the commit itself failed")
	require.ErrorIs(t, pg.InTxBetween(t.Context(), pool, nil, func(tx pgx.Tx) ([]pg.Question, error) {
		_, err := tx.Exec(t.Context(), insert, 10)
		refused(err, "numbers_n_key")
		return nil, nil // as if nothing had happened
	}), pgx.ErrTxCommitRollback)
	require.Zero(t, pool.Stat().AcquiredConns(), "each was given back")

	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(context.Background())) }()
	_, err = tx.Exec(t.Context(), "TRUNCATE numbers")
	require.NoError(t, err)
	write(tx)
}

func TestInTxBetweenWithinATransaction(t *testing.T) {
	t.Parallel()
	conn, tx, count := inTransaction(t)
	first := []pg.Question{func(conn db.DBTX) error {
		_, err := conn.Exec(t.Context(), "INSERT INTO only_here VALUES (1)")
		return err
	}}
	nothing := func(pgx.Tx) ([]pg.Question, error) { return nil, nil }
	broken := errors.New("broken")
	joined := pg.WithTx(t.Context(), tx)
	require.NoError(t, pg.InTxBetween(t.Context(), tx, first, nothing))
	require.NoError(t, pg.InTxBetween(joined, conn, first, nothing))
	require.NoError(t, pg.InTxBetween(t.Context(), pg.Joining(tx), first, nothing))
	require.ErrorIs(t, pg.InTxBetween(joined, conn, first, func(pgx.Tx) ([]pg.Question, error) { return nil, broken }), broken)
	n, err := count(joined)
	require.NoError(t, err)
	require.Equal(t, 3, n, "it is a savepoint")
}
