package pg

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Queue holds statements back that answer nothing, to send them in one go: many take as long on
// their way as one. It is a db.DBTX for sqlc's queries.
type Queue struct{ batch pgx.Batch }

// Exec takes a statement up. Whether it works is what Send answers.
func (q *Queue) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	q.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

var errQueued = errors.New("pg: a statement that answers rows cannot be queued")

// Query fails.
func (q *Queue) Query(context.Context, string, ...any) (pgx.Rows, error) { return nil, errQueued }

// QueryRow answers what fails.
func (q *Queue) QueryRow(context.Context, string, ...any) pgx.Row { return failedRow{} }

type failedRow struct{}

func (failedRow) Scan(...any) error { return errQueued }

// Send sends the statements in the order in which they came, and answers the error of the first
// that fails; those after it are not carried out.
func (q *Queue) Send(ctx context.Context, tx pgx.Tx) error {
	if q.batch.Len() == 0 {
		return nil
	}
	results := tx.SendBatch(ctx, &q.batch)
	for range q.batch.Len() {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // says the same
			return err
		}
	}
	return results.Close()
}
