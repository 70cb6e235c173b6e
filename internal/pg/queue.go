package pg

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Queue holds statements back that answer nothing, for the end of their transaction: see
// InTxBetween. It is a db.DBTX for sqlc's queries.
type Queue struct{ batch pgx.Batch }

// Exec takes a statement up. Whether it works shows when it is sent.
func (q *Queue) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	q.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

var errQueued = errors.New("pg: a statement that answers rows cannot be queued")

// Query fails.
func (q *Queue) Query(context.Context, string, ...any) (pgx.Rows, error) { return nil, errQueued }

// QueryRow answers what fails.
func (q *Queue) QueryRow(context.Context, string, ...any) pgx.Row { return failedRow{errQueued} }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// send sends the statements in the order in which they came, and answers what the last one did or
// the error of the first that fails; those after it are not carried out.
func (q *Queue) send(ctx context.Context, conn DB) (last pgconn.CommandTag, err error) {
	if q.batch.Len() == 0 {
		return last, nil
	}
	results := conn.SendBatch(ctx, &q.batch)
	for range q.batch.Len() {
		if last, err = results.Exec(); err != nil {
			_ = results.Close() // says the same
			return last, err
		}
	}
	return last, results.Close()
}

// commit sends them and the COMMIT of their transaction.
func (q *Queue) commit(ctx context.Context, conn DB) error {
	q.batch.Queue("commit")
	done, err := q.send(ctx, conn)
	if err == nil && done.String() == "ROLLBACK" { // PostgreSQL's word for a commit after an error
		return pgx.ErrTxCommitRollback
	}
	return err
}
