package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/internal/app"
	"chelal/internal/config"
	"chelal/internal/pg"
)

// migrate brings the schema up. A start that was killed while it made the schema leaves
// an interrupted migration: as long as there is nobody's data, the schema is made anew.
func (d *dev) migrate(ctx context.Context, cfg config.Config, pool *pgxpool.Pool) error {
	err := app.MigrateUp(ctx, cfg)
	if !errors.As(err, new(app.InterruptedError)) {
		return err
	}
	if blank, blankErr := isBlank(ctx, pool); blankErr != nil || !blank {
		return errors.Join(err, blankErr)
	}
	d.say("An earlier start was interrupted; making the schema anew")
	if err := dropSchemas(ctx, pool); err != nil {
		return err
	}
	return app.MigrateUp(ctx, cfg)
}

// isBlank reports whether there is neither an account nor a patient.
func isBlank(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	for _, table := range []string{"core_user", "core_patient"} {
		var there, filled bool
		if err := pool.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", table).Scan(&there); err != nil {
			return false, err
		}
		if !there {
			continue
		}
		if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+")").Scan(&filled); err != nil || filled {
			return false, err
		}
	}
	return true, nil
}

func dropSchemas(ctx context.Context, pool *pgxpool.Pool) error {
	return pg.InTx(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+pg.RiverSchema+" CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
		return err
	})
}
