package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"chelal/internal/app"
	"chelal/internal/config"
	"chelal/internal/pg"
	"chelal/internal/pg/embedded"
)

// dev is the command that needs nothing prepared.
type dev struct {
	*program
	listen   string
	patients int
	reset    bool
}

func (p *program) devCommand() *cobra.Command {
	d := &dev{program: p}
	var folder string // not p.data, which has another default for the other commands
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Start everything, with a private PostgreSQL and demo data",
		Long: `Start everything on this machine: a private PostgreSQL, the API, the background jobs and
the documentation, with demo patients and an account for each role. Nothing has to be set
up; where no PostgreSQL is installed, one is downloaded. Ctrl-C stops all of it, and the
data is there again at the next start.

Everybody knows the passwords of the demo accounts. This is not for a hospital.`,
		Example: `  chelal dev
  chelal dev --listen 127.0.0.1:8001 --data /tmp/other
  chelal dev --reset --patients 100000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d.patients < 0 {
				return usageError("--patients cannot be negative")
			}
			p.data = folder
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&d.listen, "listen", "127.0.0.1:8000", "`host:port` to listen on")
	cmd.Flags().StringVar(&folder, "data", ".chelal", "`folder` of the database")
	cmd.Flags().IntVar(&d.patients, "patients", 200, "how many demo patients a new database gets")
	cmd.Flags().BoolVar(&d.reset, "reset", false, "delete the database first, with everything in it")
	return cmd
}

// run takes the port before anything else, which is the likeliest to fail.
func (d *dev) run(ctx context.Context) error {
	ln, err := app.Listen(ctx, d.listen)
	if err != nil {
		return err
	}
	defer ln.Close()
	if d.reset {
		if err := errors.Join(embedded.Remove(d.data), os.RemoveAll(mediaFolder(d.data))); err != nil {
			return err
		}
	}
	// The kept key takes the place of these, which spare the ones in .env a check.
	const unused = "the-kept-key-takes-the-place-of-this"
	vars := map[string]string{"DEBUG": "true", "SECRET_KEY": unused, "SECRET_KEY_OLD": unused}
	return d.withCluster(ctx, vars, func(cfg config.Config, cluster *embedded.Server) error {
		if cluster.Joined() {
			return fmt.Errorf("another chelal uses the database in %s; stop it, or choose another folder with --data", d.data)
		}
		return d.serve(ctx, cfg, ln)
	})
}

func (d *dev) serve(ctx context.Context, cfg config.Config, ln net.Listener) error {
	key, err := keptKey(d.data)
	if err != nil {
		return err
	}
	cfg.SecretKey, cfg.SecretKeyOld = key, nil
	cfg.MediaRoot, cfg.MediaBucket = mediaFolder(d.data), nil
	if err := d.prepare(ctx, cfg); err != nil {
		return err
	}
	return app.Run(ctx, cfg, app.Options{
		Listener: ln, Workers: true, Log: d.newLog(cfg), Now: d.now,
		Ready: func() { d.welcome(ln.Addr()) },
	})
}

// prepare brings the schema and the demo data to where they should be, whatever an
// earlier start has left undone.
func (d *dev) prepare(ctx context.Context, cfg config.Config) error {
	pool, err := pg.Open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pg.MigrateUp(ctx, string(cfg.DirectURL)); err != nil {
		return err
	}
	return d.addDemo(ctx, cfg, pool)
}
