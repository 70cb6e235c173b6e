package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"chelal/sql"
)

// RiverSchema is where River keeps its tables, apart from the hospital's.
const RiverSchema = "river"

// Status says how far a database has been migrated.
type Status struct{ Version, Latest uint }

// MigrateUp brings the database at url to the newest schema, River's tables and the indexes that
// are built beside the work included. Several processes may call it at once: they wait for one
// another. What is cut off in the middle goes on at the next call.
func MigrateUp(ctx context.Context, url string) error {
	return alone(ctx, url, func() error {
		if err := withMigrator(ctx, url, func(m *migrate.Migrate) error { return m.Up() }); err != nil {
			return err
		}
		if err := buildIndexes(ctx, url); err != nil {
			return err
		}
		return withRiver(ctx, url, rivermigrate.DirectionUp)
	})
}

// MigrateDown takes the schema back by the given number of migrations; 0 takes all
// back, with River's tables and every row.
func MigrateDown(ctx context.Context, url string, steps int) error {
	return alone(ctx, url, func() error {
		for range steps { // one at a time, since one that had to wait is tried again
			if err := withMigrator(ctx, url, func(m *migrate.Migrate) error { return m.Steps(-1) }); err != nil {
				return err
			}
		}
		if steps > 0 {
			return nil
		}
		if err := withRiver(ctx, url, rivermigrate.DirectionDown); err != nil {
			return err
		}
		return withMigrator(ctx, url, func(m *migrate.Migrate) error { return m.Down() })
	})
}

// migrationLock is the advisory lock of whoever migrates.
const migrationLock = 0x6368656c616c

// alone runs f while no other process migrates. It asks again and again instead of
// waiting in one statement: a waiting statement holds a snapshot, and CREATE INDEX
// CONCURRENTLY waits for every snapshot to end.
func alone(ctx context.Context, url string, f func() error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("open the database to migrate it: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // and with it goes the lock
	for locked := false; ; {
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(migrationLock)).Scan(&locked); err != nil {
			return err
		}
		if locked {
			return f()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// MigrateStatus reads how far the database at url has been migrated.
func MigrateStatus(ctx context.Context, url string) (Status, error) {
	var s Status
	err := withMigrator(ctx, url, func(m *migrate.Migrate) error {
		version, _, err := m.Version()
		if err != nil && !errors.Is(err, migrate.ErrNilVersion) {
			return err
		}
		s.Version = version
		return nil
	})
	if err != nil {
		return s, err
	}
	files, err := sql.Migrations.ReadDir("migrations")
	for _, f := range files {
		var version uint
		if _, err := fmt.Sscanf(f.Name(), "%d_", &version); err == nil && version > s.Latest {
			s.Latest = version
		}
	}
	return s, err
}

func withMigrator(ctx context.Context, url string, f func(*migrate.Migrate) error) error {
	source, err := iofs.New(sql.Migrations, "migrations")
	if err != nil {
		return err
	}
	_, address, ok := strings.Cut(url, "://")
	if !ok {
		return errors.New("the database URL has no scheme; it begins with postgres://")
	}
	driver, err := new(migratepgx.Postgres).Open("pgx5://" + address)
	if err != nil {
		return fmt.Errorf("open the database to migrate it: %w", err)
	}
	m, err := migrate.NewWithInstance("iofs", source, "pgx5", &whole{Driver: driver})
	if err != nil {
		return errors.Join(fmt.Errorf("open the database to migrate it: %w", err), driver.Close())
	}
	defer func() { _, _ = m.Close() }()
	if err := patiently(ctx, func() error { return f(m) }); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// whole runs a migration and notes its version in one transaction, so that it is there wholly or
// not at all and no version is ever dirty. It does not stand in a queue for a lock for longer than
// lockTimeout, since everybody who comes later stands behind it.
type whole struct {
	database.Driver
	target int
	noted  bool
}

// SetVersion is called before and after Run.
func (w *whole) SetVersion(version int, before bool) error {
	switch {
	case before:
		w.target, w.noted = version, false
		return nil
	case w.noted:
		return nil
	default: // a version that needs no statement
		return w.Driver.SetVersion(version, false)
	}
}

// Run runs a migration's file.
func (w *whole) Run(migration io.Reader) error {
	statements, err := io.ReadAll(migration)
	if err != nil {
		return err
	}
	version := ""
	if w.target != database.NilVersion {
		version = fmt.Sprintf("INSERT INTO schema_migrations VALUES (%d, false)", w.target)
	}
	err = w.Driver.Run(strings.NewReader(fmt.Sprintf("SET LOCAL lock_timeout = %d; %s\n;DELETE FROM schema_migrations; %s",
		lockTimeout.Milliseconds(), statements, version)))
	w.noted = err == nil
	return err
}

const (
	lockTimeout = time.Second
	// busyFor is how long a lock is asked for again and again.
	busyFor = 10 * time.Minute
)

// patiently runs f again while a lock cannot be had. In between are those served who waited.
func patiently(ctx context.Context, f func() error) error {
	for began := time.Now(); ; {
		err := f()
		switch {
		case !isLockTimeout(err):
			return err
		case time.Since(began) > busyFor:
			return fmt.Errorf("for %s others have not let go of a table; see who with: chelal db stats: %w", busyFor, err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(2 * lockTimeout):
		}
	}
}

func isLockTimeout(err error) bool {
	if failed, ok := errors.AsType[database.Error](err); ok {
		err = failed.OrigErr
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == pgerrcode.LockNotAvailable
}

func withRiver(ctx context.Context, url string, direction rivermigrate.Direction) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+RiverSchema); err != nil {
		return fmt.Errorf("make River's schema: %w", err)
	}
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema})
	if err != nil {
		return err
	}
	opts := &rivermigrate.MigrateOpts{}
	if direction == rivermigrate.DirectionDown {
		opts.TargetVersion = -1
	}
	if _, err := m.Migrate(ctx, direction, opts); err != nil {
		return fmt.Errorf("migrate River's tables: %w", err)
	}
	return nil
}
