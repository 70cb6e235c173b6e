package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"chelal/internal/app"
	"chelal/internal/config"
)

func (p *program) serveCommand() *cobra.Command {
	var listen string
	var workers bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API, and work the background jobs",
		Long: `Serve the API, its documentation under /docs/, and work the background jobs, until
SIGINT or SIGTERM; then requests and jobs under way are finished first.

DATABASE_URL (or DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD) and SECRET_KEY are
read from the environment or from the file .env. Set DEBUG=false for a hospital.`,
		Example: `  chelal serve
  chelal serve --listen 0.0.0.0:8000 --workers=false
  chelal serve --data .chelal`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.serving = true
			return p.withConfig(cmd.Context(), func(cfg config.Config) error {
				if listen != "" {
					cfg.ListenAddress = listen
				}
				return p.serve(cmd.Context(), cfg, workers)
			})
		},
	}
	p.databaseFlags(cmd)
	cmd.Flags().StringVar(&listen, "listen", "", "`host:port` to listen on (default LISTEN_ADDR or 127.0.0.1:8000)")
	cmd.Flags().BoolVar(&workers, "workers", true, "work the background jobs in this process too")
	return cmd
}

func (p *program) serve(ctx context.Context, cfg config.Config, workers bool) error {
	ln, err := app.Listen(ctx, cfg.ListenAddress)
	if err != nil {
		return err
	}
	log := p.newLog(cfg)
	if p.getenv("GOGC") == "" {
		collectSeldom()
	}
	return app.Run(ctx, cfg, app.Options{
		Listener: ln, Workers: workers, Log: log, Now: p.now,
		Ready: func() {
			debug.FreeOSMemory() // what it took to read the contract
			log.Info("serving", "url", baseURL(ln.Addr()), "workers", workers, "version", app.Version())
		},
	})
}

// healthCommand is for containers, which hold nothing else that could ask.
func (p *program) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Tell whether the server that listens here is of use; fails when it is not",
		Long: `Ask /readyz of the server that listens at LISTEN_ADDR, as the health check of a
container. It fails while the server is starting, is stopping or has no database.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(p.getenv, envFile)
			if err != nil {
				return err
			}
			return p.askHealth(cmd.Context(), cfg)
		},
	}
}

func (p *program) askHealth(ctx context.Context, cfg config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, port, err := net.SplitHostPort(cfg.ListenAddress)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort("localhost", port)+"/readyz", nil)
	if err != nil {
		return err
	}
	if len(cfg.AllowedHosts) > 0 {
		request.Host = cfg.AllowedHosts[0]
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("there is no answer at port %s", port)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it is not of use now: %s", response.Status)
	}
	return nil
}

func (p *program) workerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Work the background jobs without serving the API",
		Long: `Work the background jobs, beside processes of chelal serve --workers=false on the same
database and with the same settings. Any number of workers may run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.serving = true
			return p.withConfig(cmd.Context(), func(cfg config.Config) error {
				log := p.newLog(cfg)
				return app.Run(cmd.Context(), cfg, app.Options{
					Workers: true, Log: log, Now: p.now, Ready: func() { log.Info("working the background jobs", "version", app.Version()) },
				})
			})
		},
	}
	p.databaseFlags(cmd)
	return cmd
}
