package pg_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func TestQueuedStatementsAreSentInOrder(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	_, err := pool.Exec(t.Context(), "CREATE TABLE numbers (id int GENERATED ALWAYS AS IDENTITY, n int UNIQUE)")
	require.NoError(t, err)
	insert := func(q *pg.Queue, numbers ...int) {
		for _, n := range numbers {
			_, err := q.Exec(t.Context(), "INSERT INTO numbers (n) VALUES ($1)", n)
			require.NoError(t, err, "it is only taken up")
		}
	}
	numbers := func() []int {
		rows, err := pool.Query(t.Context(), "SELECT n FROM numbers ORDER BY id")
		require.NoError(t, err)
		all, err := pgx.CollectRows(rows, pgx.RowTo[int])
		require.NoError(t, err)
		return all
	}
	send := func(numbers ...int) error {
		return pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			var q pg.Queue
			insert(&q, numbers...)
			return q.Send(t.Context(), tx)
		})
	}
	require.NoError(t, send())
	require.NoError(t, send(3, 1, 2))
	require.Equal(t, []int{3, 1, 2}, numbers())

	var refused *pgconn.PgError
	require.ErrorAs(t, send(4, 1, 5), &refused)
	require.Equal(t, "numbers_n_key", refused.ConstraintName)
	require.Equal(t, []int{3, 1, 2}, numbers(), "none of them")
}

func TestAQueueAnswersNoRows(t *testing.T) {
	t.Parallel()
	var q pg.Queue
	_, err := db.New().PatientsGet(t.Context(), &q, []int64{1})
	require.ErrorContains(t, err, "cannot be queued")
	_, err = db.New().IdempotencyLock(t.Context(), &q, "name")
	require.ErrorContains(t, err, "cannot be queued")
}
