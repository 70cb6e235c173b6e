package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"chelal/internal/app"
	"chelal/internal/config"
	"chelal/internal/pg"
)

func (p *program) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up, down, or tell how far it is",
		Long: `Bring the schema up before the first start and after every upgrade. Behind a connection
pooler, set DIRECT_DATABASE_URL to the database itself.`,
		Example: `  chelal migrate status
  chelal migrate up
  chelal migrate down --steps 1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q: it is up, down or status", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return usageError("say up, down or status") },
	}
	cmd.AddCommand(p.migrateUpCommand(), p.migrateDownCommand(), p.migrateStatusCommand())
	return cmd
}

func (p *program) migrateUpCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Bring the schema to this program's version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStatus(cmd.Context(), func(cfg config.Config, before pg.Status) error {
				if before.Version > before.Latest {
					return fmt.Errorf("the schema (version %d) is newer than this program's (%d): run a newer chelal",
						before.Version, before.Latest)
				}
				if err := pg.MigrateUp(cmd.Context(), string(cfg.DirectURL)); err != nil {
					return err
				}
				p.print("The schema is at version %d; it was at %d.", before.Latest, before.Version)
				return nil
			})
		},
	}
	p.databaseFlags(cmd)
	return cmd
}

func (p *program) migrateDownCommand() *cobra.Command {
	var steps uint
	var all, yes bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Take migrations back, with the tables that they made",
		Long: `Take the latest migrations back. What they added is removed, and the rows in it are lost:
make a backup first. --all removes everything.`,
		Example: `  chelal migrate down --steps 1
  chelal migrate down --all --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all && !yes {
				return errors.New("--all removes every table with every row; say --yes too if that is meant")
			}
			if steps == 0 || all && cmd.Flags().Changed("steps") {
				return usageError("say either --steps, from 1 on, or --all")
			}
			if all {
				steps = 0
			}
			return p.withStatus(cmd.Context(), func(cfg config.Config, before pg.Status) error {
				return p.migrateDown(cmd.Context(), cfg, before, steps)
			})
		},
	}
	cmd.Flags().UintVar(&steps, "steps", 1, "how many migrations to take back")
	cmd.Flags().BoolVar(&all, "all", false, "take all of them back")
	cmd.Flags().BoolVar(&yes, "yes", false, "confirm that every row may go")
	p.databaseFlags(cmd)
	return cmd
}

// migrateDown takes steps migrations back, or all when it is 0.
func (p *program) migrateDown(ctx context.Context, cfg config.Config, before pg.Status, steps uint) error {
	switch {
	case before.Version == 0:
		p.print("There is no migration to take back.")
		return nil
	case steps >= before.Version:
		return fmt.Errorf("the schema is at version %d only: --all takes everything back, with every row", before.Version)
	}
	if err := pg.MigrateDown(ctx, string(cfg.DirectURL), int(steps)); err != nil {
		return err
	}
	if steps == 0 {
		p.print("The schema is gone; it was at version %d.", before.Version)
		return nil
	}
	p.print("The schema is at version %d; it was at %d.", before.Version-steps, before.Version)
	return nil
}

func (p *program) migrateStatusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell the schema's version; fails when it is not this program's",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withConfig(cmd.Context(), func(cfg config.Config) error {
				if err := app.CheckMigrated(cmd.Context(), cfg); err != nil {
					return err
				}
				p.print("The schema is this program's.")
				return nil
			})
		},
	}
	p.databaseFlags(cmd)
	return cmd
}

// withStatus runs f with what the schema is like before it.
func (p *program) withStatus(ctx context.Context, f func(config.Config, pg.Status) error) error {
	return p.withConfig(ctx, func(cfg config.Config) error {
		pool, err := pg.Open(ctx, string(cfg.DirectURL)) // a database that is away is told better so
		if err != nil {
			return err
		}
		pool.Close()
		status, err := pg.MigrateStatus(ctx, string(cfg.DirectURL))
		if err != nil {
			return err
		}
		return f(cfg, status)
	})
}
