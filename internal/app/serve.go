package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/internal/authn"
	"chelal/internal/config"
	"chelal/internal/media"
	"chelal/internal/metrics"
	"chelal/internal/pg"
	"chelal/internal/server"
)

// Listen takes the address for the API. Its error is a sentence for the person at the
// terminal.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("another program already uses %s; stop it, or choose another address with --listen", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not use %s; choose a port above 1023 with --listen", address)
	case err != nil:
		return nil, fmt.Errorf("this machine cannot listen on %s; choose another address with --listen: %w", address, err)
	}
	return ln, nil
}

// serve answers requests until ctx ends, and then those under way.
func serve(ctx context.Context, handler http.Handler, news live, o Options) error {
	var leaving atomic.Bool
	srv := httpServer(closing(handler, &leaving), o.Log, usual)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(o.Listener) }()
	o.ready()
	select {
	case err := <-failed:
		return fmt.Errorf("the API cannot be served any longer: %w", err)
	case <-ctx.Done():
	}
	_ = o.Listener.Close() // who connects from now on is refused, and goes to another instance
	leaving.Store(true)
	news.closeSockets(o.Log)
	o.Log.Info("stopping: requests under way are being answered")
	time.Sleep(parting)
	return shutDown(srv)
}

// parting is how long the connections that others keep open go on to be answered when the server
// stops. A proxy whose request meets the end of its connection does not know whether it was carried
// out, and will not send a change again.
const parting = 300 * time.Millisecond

// closing asks for connections to be given up once the server is leaving.
func closing(next http.Handler, leaving *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// patience is how long a client may take over each part of a request.
type patience struct{ header, request, answer, idle time.Duration }

// usual lets a slow line take a minute over a body.
var usual = patience{header: 10 * time.Second, request: time.Minute, answer: 2 * time.Minute, idle: 2 * time.Minute}

// httpServer speaks HTTP/1.1 and, to a proxy that begins with it, HTTP/2 without TLS.
func httpServer(handler http.Handler, log *slog.Logger, p patience) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Protocols:         protocols,
		Handler:           handler,
		ReadHeaderTimeout: p.header,
		ReadTimeout:       p.request,
		WriteTimeout:      p.answer,
		IdleTimeout:       p.idle,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// shutDown cuts the requests that take longer than grace: their transactions roll back.
func shutDown(srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return srv.Close()
	}
	return nil
}

// serveMetrics answers Prometheus at an address of its own, where there is one, until it is
// stopped.
func serveMetrics(ctx context.Context, address string, counts *metrics.Metrics, log *slog.Logger) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	ln, err := Listen(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDR: %w", err)
	}
	srv := httpServer(counts.Handler(), log, usual)
	go func() { _ = srv.Serve(ln) }() // ends with stop
	log.Info("serving metrics", "url", "http://"+ln.Addr().String()+"/metrics")
	return func() { _ = srv.Close() }, nil
}

// newServer makes the API. A process that only works jobs has one too: what devices
// recorded offline is carried out through it.
func newServer(ctx context.Context, cfg config.Config, pool *pgxpool.Pool, replica *pg.Replica, store media.Store, news live, counts *metrics.Metrics, o Options) (*server.Server, error) {
	if err := cfg.ForServing(); err != nil {
		return nil, err
	}
	old := oldSecrets(cfg)
	tokens, err := authn.NewTokens([]byte(cfg.SecretKey), old, cfg.AccessLifetime, o.Now)
	if err != nil {
		return nil, err
	}
	page, err := newJobsPage(ctx, pool, o.Log)
	if err != nil {
		return nil, err
	}
	return server.New(server.Options{
		DB:              pool,
		Replica:         replica,
		Now:             o.Now,
		Log:             o.Log,
		Live:            news.hub,
		Committed:       news.relay.Wake,
		Answered:        counts.Answered,
		Jobs:            page,
		Hasher:          authn.NewHasher(0),
		Tokens:          tokens,
		Secret:          []byte(cfg.SecretKey),
		SealKeys:        SealKeys(cfg),
		OldSecrets:      old,
		Media:           store,
		RefreshLifetime: cfg.RefreshLifetime,
		Zone:            cfg.Zone,
		Version:         Version(),
		StrictBodies:    cfg.StrictBodies,
		MaxBody:         cfg.MaxBody,
		AllowedHosts:    cfg.AllowedHosts,
		CORSOrigins:     cfg.CORSOrigins,
		TrustedProxies:  cfg.TrustedProxies,
		AddressLimit:    cfg.AddressLimit,
		UserLimit:       cfg.UserLimit,
	})
}
