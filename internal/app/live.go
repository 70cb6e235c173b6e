package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/internal/config"
	"chelal/internal/realtime"
)

// goodbye is how long the clients of sockets may take to hear that they are closed.
const goodbye = 5 * time.Second

// live is what tells those who listen over sockets.
type live struct {
	hub   *realtime.Hub // nil where no API is served
	relay *realtime.Relay
	stop  func()
}

// startLive runs the relay, also where only jobs are worked: it numbers their events.
func startLive(ctx context.Context, cfg config.Config, pool *pgxpool.Pool, o Options) (live, error) {
	var bus *realtime.Bus
	if cfg.RedisURL != "" {
		var err error
		if bus, err = realtime.OpenBus(string(cfg.RedisURL), o.Log); err != nil {
			return live{}, err
		}
	}
	var l live
	if o.Listener != nil {
		l.hub = realtime.NewHub(realtime.Options{DB: pool, Now: o.Now, Log: o.Log, Zone: cfg.Zone})
		if err := l.hub.Start(ctx); err != nil {
			return live{}, err
		}
	}
	l.relay = realtime.NewRelay(pool, l.hub, bus, o.Log)
	// Not ctx: what the last requests announce is still told to the other processes.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { l.relay.Run(ctx) })
	l.stop = func() {
		l.closeSockets(o.Log)
		cancel()
		running.Wait()
	}
	return l, nil
}

// sockets answers how many are open.
func (l live) sockets() int {
	if l.hub == nil {
		return 0
	}
	return l.hub.Sockets()
}

// closeSockets comes before the end of the HTTP server, which knows nothing of sockets.
func (l live) closeSockets(log *slog.Logger) {
	if l.hub == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if n := l.hub.Close(ctx); n > 0 {
		log.Info("stopping: the clients of sockets were asked to come back", slog.Int("sockets", n))
	}
}
