package pg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

type replicaKey struct{}

// OnReplica returns a context under which a Joining DB works on the replica, unless there is a
// transaction of WithTx.
func OnReplica(ctx context.Context, replica DB) context.Context {
	return context.WithValue(ctx, replicaKey{}, replica)
}

// replicaLooks is how often a replica is looked at.
const replicaLooks = time.Second

// Replica is a streaming replica for reads that may lag. It is used only while it follows; a nil
// one never is.
type Replica struct {
	pool   *pgxpool.Pool
	most   time.Duration
	log    *slog.Logger
	usable atomic.Bool
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// OpenReplica watches the replica at url, which may be away, until Close. It is used while it
// is at most so far behind.
func OpenReplica(ctx context.Context, url string, most time.Duration, log *slog.Logger) (*Replica, error) {
	cfg, err := configure(url)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the replica: %w", err)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &Replica{pool: pool, most: most, log: log, stop: stop}
	r.look(watching)
	r.done.Go(func() { r.watch(watching) })
	return r, nil
}

// Close ends the connections.
func (r *Replica) Close() {
	if r == nil {
		return
	}
	r.stop()
	r.done.Wait()
	r.pool.Close()
}

// DB answers the replica, or nil while the reads have to go to the primary.
func (r *Replica) DB() DB {
	if r == nil || !r.usable.Load() {
		return nil
	}
	return r.pool
}

func (r *Replica) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(replicaLooks):
			r.look(ctx)
		}
	}
}

// look decides whether the replica is used from now on.
func (r *Replica) look(ctx context.Context) {
	err := r.check(ctx)
	if ctx.Err() != nil {
		return
	}
	switch usable := err == nil; {
	case usable == r.usable.Swap(usable):
	case usable:
		r.log.Info("reads that may lag go to the replica")
	default:
		r.log.Warn("the replica is not used; its reads go to the primary", slog.Any("reason", err))
	}
}

// check returns why the replica is of no use, nil when it follows closely enough. What it has
// received and replayed is all there is while it is connected; otherwise the last commit tells.
func (r *Replica) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var recovering, following bool
	var behind float64
	if err := r.pool.QueryRow(ctx, `SELECT pg_is_in_recovery(), EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL),
		CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
			ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END::float8`).
		Scan(&recovering, &following, &behind); err != nil {
		return err
	}
	switch {
	case !recovering:
		return errors.New("it is no replica")
	case !following:
		return errors.New("it is not connected to the primary")
	case behind > r.most.Seconds():
		return fmt.Errorf("it is %.0f seconds behind", behind)
	}
	return nil
}
