package pg

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

type txKey struct{}

// WithTx returns a context under which a Joining DB works in tx. It must not outlive tx.
func WithTx(ctx context.Context, tx pgx.Tx) context.Context {
	return context.WithValue(ctx, txKey{}, tx)
}

// Joined reports whether the context has the transaction of WithTx.
func Joined(ctx context.Context) bool {
	_, ok := ctx.Value(txKey{}).(pgx.Tx)
	return ok
}

// Joining returns a DB that works in the transaction of the context, where WithTx has put
// one, on the replica of OnReplica, and else on conn. So a whole operation of the API becomes a part of a larger
// transaction without knowing of it: its own is a savepoint there.
func Joining(conn DB) DB {
	return joining{conn, &readings{under: map[question]bool{}, next: map[question]*reading{}}}
}

type joining struct {
	conn     DB
	readings *readings // that many share: see Alike
}

func (j joining) in(ctx context.Context) DB {
	if tx, ok := ctx.Value(txKey{}).(pgx.Tx); ok {
		return tx
	}
	if replica, ok := ctx.Value(replicaKey{}).(DB); ok {
		return replica
	}
	return j.conn
}

func (j joining) Begin(ctx context.Context) (pgx.Tx, error) { return j.in(ctx).Begin(ctx) }

func (j joining) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return j.in(ctx).SendBatch(ctx, b)
}

func (j joining) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return j.in(ctx).Exec(ctx, sql, args...)
}

func (j joining) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return j.in(ctx).Query(ctx, sql, args...)
}

func (j joining) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return j.in(ctx).QueryRow(ctx, sql, args...)
}
