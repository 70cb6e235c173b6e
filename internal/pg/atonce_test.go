package pg_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func TestAtOnce(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), testkit.Pool(t)
	_, err := pool.Exec(ctx, "CREATE TABLE numbers (n int UNIQUE)")
	require.NoError(t, err)
	var one, sum int
	var all []int
	sumUp := func(conn db.DBTX) error {
		return conn.QueryRow(ctx, "SELECT coalesce(sum(n), 0) FROM numbers").Scan(&sum)
	}
	refused := errors.New("refused")
	inTx := func(questions ...pg.Question) error {
		sum = -1
		return pg.InTx(ctx, pool, func(tx pgx.Tx) error { return pg.AtOnce(ctx, tx, questions...) })
	}

	require.NoError(t, inTx(
		func(conn db.DBTX) error { return conn.QueryRow(ctx, "SELECT $1::int", 1).Scan(&one) },
		insertsNumber(t, 1), insertsNumber(t, 2),
		func(conn db.DBTX) (err error) {
			rows, err := conn.Query(ctx, "SELECT n FROM numbers ORDER BY n DESC")
			if err == nil {
				all, err = pgx.CollectRows(rows, pgx.RowTo[int])
			}
			return err
		},
		func(db.DBTX) error { return nil }, // asks nothing
		sumUp,
	))
	require.Equal(t, 1, one)
	require.Equal(t, []int{2, 1}, all)
	require.Equal(t, 3, sum)

	var violation *pgconn.PgError
	require.ErrorAs(t, inTx(insertsNumber(t, 3), insertsNumber(t, 3), sumUp), &violation)
	require.Equal(t, "numbers_n_key", violation.ConstraintName)
	require.Equal(t, -1, sum, "who comes after what failed is not answered")

	require.ErrorIs(t, inTx(func(conn db.DBTX) error {
		_, err := conn.Exec(ctx, "SELECT 1")
		return errors.Join(err, refused)
	}, insertsNumber(t, 4)), refused)
	require.ErrorIs(t, inTx(func(db.DBTX) error { return refused }, insertsNumber(t, 5)), refused)
	require.ErrorContains(t, inTx(func(conn db.DBTX) error {
		_, err := conn.Exec(ctx, "SELECT 1")
		require.NoError(t, err)
		return conn.QueryRow(ctx, "SELECT 2").Scan(&one)
	}, insertsNumber(t, 6)), "more than one statement")
	require.PanicsWithValue(t, "lost", func() {
		_ = inTx(insertsNumber(t, 7), func(db.DBTX) error { panic("lost") })
	})

	require.NoError(t, sumUp(pool))
	require.Equal(t, 3, sum, "nothing of what failed is left")
	require.NoError(t, pg.AtOnce(ctx, pool))
	require.Zero(t, pool.Stat().AcquiredConns(), "each was given back")
}
