package pg_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

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
