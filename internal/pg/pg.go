// Package pg connects to PostgreSQL: the pool, the one interface through which
// everything speaks to it, the migrations, and the translation of its errors.
package pg

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"chelal/gen/db"
	"chelal/internal/tracing"
)

// DB is a pool or a transaction. Begin in a transaction is a savepoint, so a test may
// run a whole request inside one that it rolls back.
type DB interface {
	db.DBTX
	Begin(ctx context.Context) (pgx.Tx, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// connections are how many a pool has when the URL does not say pool_max_conns: enough that some
// long reports do not hold up the rest.
const connections = 16

// Open returns a pool on the database at url, and waits until it has answered once.
// Sessions run in UTC: what a time means in the hospital's zone is decided in Go or
// stands in the statement.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	cfg, err := configure(url)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("the database does not answer: %w", err)
	}
	return pool, nil
}

func configure(url string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database URL is not valid: %w", err)
	}
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = connections
	}
	cfg.ConnConfig.Tracer = tracing.Statements()
	cfg.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		Types(c.TypeMap())
		return nil
	}
	return cfg, nil
}

// Types makes timestamps scan as UTC whatever the machine's own zone, and sends UUIDs as the
// 16 bytes that they are, which pgx by itself would try as a text first; lists of them also
// where no statement is prepared that says what they are.
func Types(m *pgtype.Map) {
	pgxuuid.Register(m)
	m.RegisterDefaultPgType([]uuid.UUID{}, "_uuid")
	m.RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
}

// Connections answers how many connections a pool may have, and 1 for what is none.
func Connections(conn DB) int64 {
	if pool, ok := conn.(*pgxpool.Pool); ok {
		return int64(pool.Config().MaxConns)
	}
	return 1
}

// InTx runs f in a transaction of conn and commits when it returns nil. The rollback
// works even when ctx is cancelled.
func InTx(ctx context.Context, conn DB, f func(pgx.Tx) error) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	return end(ctx, tx, func() error {
		if err := f(tx); err != nil {
			return err
		}
		return tx.Commit(ctx)
	})
}

// InTxBetween is InTx with what the transaction asks in any case before f, which is sent with the
// BEGIN as AtOnce does, and with what it asks last, which f returns and which is sent with the COMMIT.
// Each is a way to the database and back less, during which others wait for what the transaction has
// locked. f runs when all that comes first went well. What is asked last is answered when the COMMIT is
// on its way: only the database can still refuse, and the answers count when nil is returned.
func InTxBetween(ctx context.Context, conn DB, first []Question, f func(tx pgx.Tx) (last []Question, err error)) error {
	if j, ok := conn.(joining); ok {
		conn = j.in(ctx)
	}
	pool, ok := conn.(*pgxpool.Pool)
	if !ok {
		return InTx(ctx, conn, func(tx pgx.Tx) error {
			if err := AtOnce(ctx, tx, first...); err != nil {
				return err
			}
			last, err := f(tx)
			if err != nil {
				return err
			}
			return AtOnce(ctx, tx, last...)
		})
	}
	held, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer held.Release()
	var before pgx.Batch
	before.BeginTx(pgx.TxOptions{})
	asked := ask(&before, first)
	defer asked.leave()
	sent := held.SendBatch(ctx, &before)
	if _, err = sent.Exec(); err == nil {
		err = asked.answer(sent)
	}
	err = cmp.Or(err, sent.Close())
	tx := sent.Tx()
	if tx == nil {
		return err
	}
	return end(ctx, tx, func() error {
		if err != nil {
			return err
		}
		last, err := f(tx)
		if err != nil {
			return err
		}
		return AtOnce(ctx, held, append(last, commit(ctx))...)
	})
}

// commit ends the transaction of the connection.
func commit(ctx context.Context) Question {
	return func(conn db.DBTX) error {
		done, err := conn.Exec(ctx, "commit")
		if err == nil && done.String() == "ROLLBACK" { // PostgreSQL's word for a commit after an error
			return pgx.ErrTxCommitRollback
		}
		return err
	}
}

// end rolls tx back when f, which ends with the commit, fails or panics.
func end(ctx context.Context, tx pgx.Tx, f func() error) error {
	committed := false
	defer func() {
		if committed {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	err := f()
	committed = err == nil
	return err
}
