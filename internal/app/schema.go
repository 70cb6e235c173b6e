package app

import (
	"context"
	"fmt"

	"chelal/internal/config"
	"chelal/internal/pg"
)

// CheckMigrated returns nil when the database has this program's schema, and otherwise a
// sentence that says what to do.
func CheckMigrated(ctx context.Context, cfg config.Config) error {
	// Asked first: its error tells a database that is away from one that is not migrated.
	pool, err := pg.Open(ctx, string(cfg.DirectURL))
	if err != nil {
		return err
	}
	defer pool.Close()
	var river *string
	if err := pool.QueryRow(ctx, "SELECT to_regclass($1)::text", pg.RiverSchema+".river_job").Scan(&river); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	status, err := pg.MigrateStatus(ctx, string(cfg.DirectURL))
	switch {
	case err != nil:
		return err
	case status.Version > status.Latest:
		return fmt.Errorf("the database's schema (version %d) is newer than this program's (%d): run a newer chelal",
			status.Version, status.Latest)
	case status.Version < status.Latest, river == nil:
		return fmt.Errorf("the database's schema is at version %d and this program's at %d: run chelal migrate up",
			status.Version, status.Latest)
	}
	return nil
}
