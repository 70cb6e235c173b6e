package pg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/pgx/v5" // registers pgx5://
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"chelal/sql"
)

// RiverSchema is where River keeps its tables, apart from the hospital's.
const RiverSchema = "river"

// Status says how far a database has been migrated.
type Status struct {
	Version, Latest uint
	// Dirty means that a migration failed in the middle and needs a person.
	Dirty bool
}

// MigrateUp brings the database at url to the newest schema, River's tables included.
// Several processes may call it at once: they wait for one another.
func MigrateUp(ctx context.Context, url string) error {
	return alone(ctx, url, func() error {
		if err := withMigrator(url, func(m *migrate.Migrate) error { return m.Up() }); err != nil {
			return err
		}
		return withRiver(ctx, url, rivermigrate.DirectionUp)
	})
}

// MigrateDown takes the schema back by the given number of migrations; 0 takes all
// back, with River's tables and every row.
func MigrateDown(ctx context.Context, url string, steps int) error {
	return alone(ctx, url, func() error {
		if steps > 0 {
			return withMigrator(url, func(m *migrate.Migrate) error { return m.Steps(-steps) })
		}
		if err := withRiver(ctx, url, rivermigrate.DirectionDown); err != nil {
			return err
		}
		return withMigrator(url, func(m *migrate.Migrate) error { return m.Down() })
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
func MigrateStatus(url string) (Status, error) {
	var s Status
	err := withMigrator(url, func(m *migrate.Migrate) error {
		version, dirty, err := m.Version()
		if err != nil && !errors.Is(err, migrate.ErrNilVersion) {
			return err
		}
		s = Status{Version: version, Dirty: dirty}
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

func withMigrator(url string, f func(*migrate.Migrate) error) error {
	source, err := iofs.New(sql.Migrations, "migrations")
	if err != nil {
		return err
	}
	_, address, ok := strings.Cut(url, "://")
	if !ok {
		return errors.New("the database URL has no scheme; it begins with postgres://")
	}
	m, err := migrate.NewWithSourceInstance("iofs", source, "pgx5://"+address)
	if err != nil {
		return fmt.Errorf("open the database to migrate it: %w", err)
	}
	defer func() { _, _ = m.Close() }()
	if err := f(m); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
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
