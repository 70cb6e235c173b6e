package pg

import (
	"cmp"
	"context"
	"errors"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"chelal/gen/db"
)

// Question asks one statement of the database, mostly one of sqlc's, and does something with what
// it answers.
type Question func(conn db.DBTX) error

// AtOnce sends the statements of questions together: one way to the database and back in place of one
// for each. They are carried out and answered in their order, and the first error is returned. What
// fails in the database keeps the statements after it from being carried out, what fails after it was
// answered does not: so conn is a transaction, or nothing depends on it. Options of pgx among a
// statement's arguments are not known here.
func AtOnce(ctx context.Context, conn DB, questions ...Question) error {
	var b pgx.Batch
	asked := ask(&b, questions)
	defer asked.leave()
	sent := conn.SendBatch(ctx, &b)
	return cmp.Or(asked.answer(sent), sent.Close())
}

var (
	errAskedTwice = errors.New("pg: a question asked more than one statement")
	errUnanswered = errors.New("pg: what was asked is not answered any more")
)

// inquiry are questions whose statements wait in a batch.
type inquiry []*asking

// ask has every question put its statement into the batch.
func ask(b *pgx.Batch, questions []Question) inquiry {
	all := make(inquiry, len(questions))
	for i, question := range questions {
		a := &asking{batch: b}
		a.goOn, a.leave = iter.Pull(func(yield func(struct{}) bool) {
			a.wait = func() bool { return yield(struct{}{}) }
			a.err = question(a)
		})
		all[i] = a
		a.goOn()
	}
	return all
}

// answer lets every question go on with what its statement answers.
func (all inquiry) answer(sent pgx.BatchResults) error {
	for _, a := range all {
		a.sent = sent
		if _, again := a.goOn(); again {
			return errAskedTwice
		}
		if a.err != nil {
			return a.err
		}
	}
	return nil
}

// leave ends the questions that were not answered.
func (all inquiry) leave() {
	for _, a := range all {
		a.leave()
	}
}

// asking is the connection of one question. Where a statement has been sent, its answer is read.
type asking struct {
	batch *pgx.Batch
	sent  pgx.BatchResults
	wait  func() bool
	goOn  func() (struct{}, bool)
	leave func()
	err   error
}

// queue returns what answers the statement when all were sent.
func (a *asking) queue(sql string, args []any) (pgx.BatchResults, error) {
	a.batch.Queue(sql, args...)
	if !a.wait() {
		return nil, errUnanswered
	}
	return a.sent, nil
}

func (a *asking) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	sent, err := a.queue(sql, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return sent.Exec()
}

func (a *asking) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	sent, err := a.queue(sql, args)
	if err != nil {
		return nil, err
	}
	return sent.Query()
}

func (a *asking) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	sent, err := a.queue(sql, args)
	if err != nil {
		return failedRow{err}
	}
	return sent.QueryRow()
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }
