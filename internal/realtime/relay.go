package realtime

import (
	"context"
	"log/slog"
	"time"

	"chelal/gen/db"
	"chelal/internal/pg"
)

const (
	// rest is how long the relay rests between two looks: many commits in a row are one.
	rest = 10 * time.Millisecond
	// pollEvery is how late an event may come of which nothing woke the relay.
	pollEvery = time.Second
	// atOnce is how many events are numbered, or read, in one statement.
	atOnce = 500
	// patience is how long the database may take over one step.
	patience = 10 * time.Second
)

// Relay numbers the events that are committed and makes the hub follow. Every process has
// one. Any of them numbers what any process wrote; an advisory lock inside one statement
// lets one do it at a time, so none is the leader and none has to be replaced.
type Relay struct {
	db   pg.DB
	hub  *Hub // nil where nobody can listen
	bus  *Bus // nil without Redis
	log  *slog.Logger
	wake chan struct{}
}

// NewRelay returns a relay for Run. hub and bus may be nil.
func NewRelay(conn pg.DB, hub *Hub, bus *Bus, log *slog.Logger) *Relay {
	return &Relay{db: conn, hub: hub, bus: bus, log: log, wake: make(chan struct{}, 1)}
}

// Wake makes the relay look at once; call it after a commit. It does not wait.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // it is about to look
	}
}

// Run works until ctx ends. While the database is away nothing can happen either, and
// afterwards it goes on where it was.
func (r *Relay) Run(ctx context.Context) {
	if r.bus != nil {
		stop := r.bus.start(ctx, r.heard)
		defer stop()
	}
	poll, mark := time.NewTicker(pollEvery), time.NewTicker(markEvery)
	defer poll.Stop()
	defer mark.Stop()
	failing := false
	for ctx.Err() == nil {
		err := r.advance(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			r.log.Error("news cannot be passed on; trying again", slog.Any("error", err))
		}
		failing = err != nil
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-poll.C:
		case <-mark.C:
			r.hub.mark()
		}
	}
}

// heard is told by another process how far the numbers go.
func (r *Relay) heard(number int64) {
	if r.hub != nil && number > r.hub.reached() {
		r.Wake()
	}
}

// advance numbers what there is and delivers it here before it tells the others.
func (r *Relay) advance(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		state, err := db.New().EventsNumber(ctx, r.db, atOnce)
		if err != nil {
			return err
		}
		if state.Numbered > 0 && r.bus != nil {
			r.bus.tell(state.Last)
		}
		if err := r.hub.follow(ctx, state.Last); err != nil || state.Numbered < atOnce {
			return err
		}
	}
}
