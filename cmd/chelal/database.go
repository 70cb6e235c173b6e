package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"chelal/internal/app"
	"chelal/internal/config"
	"chelal/internal/pg"
	"chelal/internal/pg/embedded"
)

const envFile = ".env"

// databaseFlags adds --data, which stands for the embedded cluster.
func (p *program) databaseFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.data, "data", "",
		"use the embedded PostgreSQL in this `folder`, as chelal dev does, instead of DATABASE_URL or DB_*")
}

// withConfig runs f with the configuration of the database that the flags and the
// environment name. An embedded cluster runs at least as long as f.
func (p *program) withConfig(ctx context.Context, f func(config.Config) error) error {
	if p.data == "" {
		cfg, err := config.Load(p.getenv, envFile)
		if p.serving {
			err = errors.Join(err, cfg.ForServing())
		}
		if err != nil {
			return err
		}
		return f(cfg)
	}
	return p.withCluster(ctx, nil, func(cfg config.Config, _ *embedded.Server) error {
		if cfg.SecretKey == "" {
			key, err := keptKey(p.data)
			if err != nil {
				return err
			}
			cfg.SecretKey = key
		}
		if cfg.MediaRoot == config.DefaultMediaRoot {
			cfg.MediaRoot = mediaFolder(p.data)
		}
		return f(cfg)
	})
}

// mediaFolder is the folder of uploaded images in the folder of an embedded cluster.
func mediaFolder(data string) string { return filepath.Join(data, "media") }

// withPool runs f on a database that has this program's schema.
func (p *program) withPool(ctx context.Context, f func(config.Config, *pgxpool.Pool) error) error {
	return p.withConfig(ctx, func(cfg config.Config) error {
		if err := app.CheckMigrated(ctx, cfg); err != nil {
			return err
		}
		pool, err := pg.Open(ctx, string(cfg.DatabaseURL))
		if err != nil {
			return err
		}
		defer pool.Close()
		return f(cfg, pool)
	})
}

// withCluster runs f while the cluster in --data runs, on its database chelal. vars
// stand before the environment.
func (p *program) withCluster(ctx context.Context, vars map[string]string, f func(config.Config, *embedded.Server) error) (err error) {
	forgetLibpq()
	cfg, err := config.Load(func(name string) string {
		switch name {
		case "DATABASE_URL", "DIRECT_DATABASE_URL":
			return "postgres://embedded/" // its own follows, once it runs
		}
		if value, ok := vars[name]; ok {
			return value
		}
		return p.getenv(name)
	}, envFile)
	if err != nil {
		return err
	}
	cluster, err := embedded.Start(ctx, embedded.Options{Dir: p.data, Note: func(s string) { p.say("%s", s) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	if err := createDatabase(ctx, cluster.URL("postgres")); err != nil {
		return err
	}
	cfg.DatabaseURL = config.Secret(cluster.URL("chelal"))
	cfg.DirectURL = cfg.DatabaseURL
	return f(cfg, cluster)
}

// forgetLibpq takes PGSERVICE, PGOPTIONS and their kind out of the environment: they
// are meant for another server, and pgx would obey them.
func forgetLibpq() {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PG") {
			_ = os.Unsetenv(name)
		}
	}
}

func createDatabase(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'chelal')").Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE chelal")
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && (pgErr.Code == "42P04" || pgErr.Code == "23505") {
		return nil // another command was faster
	}
	return err
}
