// Package app assembles the parts into a running program and stops them in order.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"chelal/internal/auditlog"
	"chelal/internal/change"
	"chelal/internal/config"
	"chelal/internal/mail"
	"chelal/internal/media"
	"chelal/internal/metrics"
	"chelal/internal/pg"
	"chelal/internal/server"
	"chelal/internal/timezone"
	"chelal/internal/tracing"
	"chelal/internal/worker"
)

// Options say what runs beside what the configuration decides.
type Options struct {
	// Listener is where the API answers; Run closes it. Without one no API is served.
	Listener net.Listener
	// Workers also works the background jobs in this process.
	Workers bool
	// Ready is called once, when everything runs. It may be nil.
	Ready func()
	Log   *slog.Logger
	Now   func() time.Time
}

// grace is how long requests and jobs under way may take after the end was asked for.
const grace = 15 * time.Second

// Run serves until ctx ends or the listener fails. It refuses a database whose schema is
// not this program's. When it returns everything has stopped, in the order in which one
// part needs the other: sockets, requests, jobs, and at last the database. The end of ctx is no error.
func Run(ctx context.Context, cfg config.Config, o Options) (err error) {
	if o.Listener != nil {
		defer o.Listener.Close()
	}
	if err := CheckMigrated(ctx, cfg); err != nil {
		return err
	}
	sendTraces, err := tracing.Start(ctx, string(cfg.TraceEndpoint), Version())
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		sendTraces(ctx)
	}()
	pool, err := pg.Open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := auditlog.BeginEra(ctx, pool); err != nil {
		return fmt.Errorf("look whether the audit log came from another cluster: %w", err)
	}
	if err := timezone.Apply(ctx, &change.Store{DB: pool, Now: o.Now}, cfg.Zone, o.Log); err != nil {
		return err
	}
	store, err := Media(cfg)
	if err != nil {
		return err
	}
	news, err := startLive(ctx, cfg, pool, o)
	if err != nil {
		return err
	}
	defer news.stop()
	counts := metrics.New(Version(), pool, news.sockets)
	stopMetrics, err := serveMetrics(ctx, cfg.MetricsAddress, counts, o.Log)
	if err != nil {
		return err
	}
	defer stopMetrics()
	replica, err := openReplica(ctx, cfg, o.Log)
	if err != nil {
		return err
	}
	defer replica.Close()
	api, err := newServer(ctx, cfg, pool, replica, store, news, counts, o)
	if err != nil {
		return err
	}
	if o.Workers {
		jobs, startErr := startJobs(ctx, cfg, pool, api, store, counts, o)
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, stopJobs(jobs)) }()
	}
	if o.Listener == nil {
		o.ready()
		<-ctx.Done()
		return nil
	}
	return serve(ctx, api, news, o)
}

func (o Options) ready() {
	if o.Ready != nil {
		o.Ready()
	}
}

// openReplica watches READ_DATABASE_URL, nil when there is none.
func openReplica(ctx context.Context, cfg config.Config, log *slog.Logger) (*pg.Replica, error) {
	if cfg.ReadURL == "" {
		return nil, nil
	}
	return pg.OpenReplica(ctx, string(cfg.ReadURL), cfg.ReadLag, log)
}

// mailer is the configured mail server, nil when there is none.
func mailer(cfg config.Config, log *slog.Logger) (*mail.Server, error) {
	if cfg.EmailURL == "" {
		log.Info("no e-mail is sent: EMAIL_URL is not set")
		return nil, nil
	}
	return mail.New(string(cfg.EmailURL), cfg.EmailFrom)
}

// SealKeys are the keys that sign the seals of the audit log.
func SealKeys(cfg config.Config) auditlog.Keys {
	return auditlog.NewKeys(append([][]byte{[]byte(cfg.SecretKey)}, oldSecrets(cfg)...)...)
}

func oldSecrets(cfg config.Config) [][]byte {
	var old [][]byte
	for _, key := range cfg.SecretKeyOld {
		old = append(old, []byte(key))
	}
	return old
}

func startJobs(ctx context.Context, cfg config.Config, pool *pgxpool.Pool, api *server.Server, store media.Store, counts *metrics.Metrics, o Options) (*river.Client[pgx.Tx], error) {
	mails, err := mailer(cfg, o.Log)
	if err != nil {
		return nil, err
	}
	jobs, err := worker.New(worker.Options{
		Pool: pool, Log: o.Log, Now: o.Now, SealKeys: SealKeys(cfg), WorkSyncBatch: api.WorkSyncBatch, Media: store, Mailer: mails,
		Zone: cfg.Zone, Worked: counts.Worked,
	})
	if err != nil {
		return nil, err
	}
	// Not ctx: its end would cut the jobs short, which stopJobs lets finish.
	if err := jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("start the background jobs: %w", err)
	}
	return jobs, nil
}

// stopJobs lets the jobs under way finish, and cancels those that take too long. A
// cancelled job is tried again by whoever runs next.
func stopJobs(jobs *river.Client[pgx.Tx]) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := jobs.Stop(ctx); err == nil {
		return nil
	}
	ctx, cancel = context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := jobs.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("the background jobs do not stop: %w", err)
	}
	return nil
}
