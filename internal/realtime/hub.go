package realtime

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"chelal/gen/db"
	"chelal/internal/pg"
)

// Options are what a hub is made of. All are required.
type Options struct {
	DB   pg.DB
	Now  func() time.Time
	Log  *slog.Logger
	Zone *time.Location // the hospital's, whose day the figures of today are of
}

// Hub holds the sockets of this process and tells them the events of the database, in the
// order of their numbers.
type Hub struct {
	Options
	ctx    context.Context // of what the sockets do by themselves
	cancel context.CancelFunc

	// refreshing is held from the reading of what users may see to its use, so that an
	// older reading never replaces a newer one.
	refreshing sync.Mutex
	replaying  chan struct{} // places for those who read what they missed

	mu       sync.Mutex
	state    state
	position int64 // the number of the last event that was told
	sockets  map[Topic]map[*socket]struct{}
	users    map[int64]map[*socket]struct{}
	places   map[int64]int // taken by each user, also by sockets that are being opened
	figures  map[string]any
	running  sync.WaitGroup
}

type state int

const (
	waiting state = iota // for Start
	open
	closed
)

// replaysAtOnce keeps those who come back after a restart from taking every connection
// to the database.
const replaysAtOnce = 2

// NewHub returns a hub that takes no socket before Start.
func NewHub(o Options) *Hub {
	ctx, cancel := context.WithCancel(context.Background())
	return &Hub{
		Options: o, ctx: ctx, cancel: cancel, replaying: make(chan struct{}, replaysAtOnce),
		sockets: map[Topic]map[*socket]struct{}{Notifications: {}, Appointments: {}, Dashboard: {}},
		users:   map[int64]map[*socket]struct{}{}, places: map[int64]int{},
	}
}

// Start opens the hub: what is numbered from now on is told. Without a Relay nothing
// follows.
func (h *Hub) Start(ctx context.Context) error {
	bounds, err := db.New().EventsBounds(ctx, h.DB)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.position, h.state = bounds.Last, open
	h.running.Go(h.watchFigures)
	return nil
}

// reached is the number of the last event that was told.
func (h *Hub) reached() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.position
}

// follow tells the events up to the number last. Only the relay calls it. When the numbers
// went back, a database has been restored from a copy, and everybody must read anew.
func (h *Hub) follow(ctx context.Context, last int64) error {
	if h == nil {
		return nil
	}
	if last < h.reached() {
		h.moveTo(last)
		return nil
	}
	for last > h.reached() {
		rows, err := db.New().EventsAfter(ctx, h.DB, h.reached(), atOnce)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := h.deliver(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// moveTo skips to a position, which loses something.
func (h *Hub) moveTo(position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.position = position
	for topic := range h.sockets {
		h.pass(h.notice(position, topic, resync))
	}
}

// deliver tells events that follow one another. Whose access has changed by one of them is
// looked up before any is told.
func (h *Hub) deliver(ctx context.Context, rows []db.EventsAfterRow) error {
	if first := rows[0].Number; first != h.reached()+1 {
		h.moveTo(first - 1) // this process was cut off for longer than events are kept
	}
	var all []*news
	var changed []int64
	for _, row := range rows {
		n, err := newsOf(row)
		if err != nil {
			return err
		}
		if all = append(all, n); n.topic == accessChanges {
			changed = append(changed, n.userID)
		}
	}
	h.refresh(ctx, h.socketsOf(changed))
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range all {
		h.position = n.id
		h.pass(n)
	}
	return nil
}

// pass hands news to the sockets that may have a use for it; each decides when it writes.
// h.mu is held.
func (h *Hub) pass(n *news) {
	listeners := h.sockets[n.topic]
	if n.userID != 0 && n.patientID == 0 && !n.toStaff {
		listeners = h.users[n.userID]
	}
	for s := range listeners {
		if s.topic == n.topic {
			s.push(n)
		}
	}
}

// markEvery is how old the id may become from which a socket without news could resume.
const markEvery = 30 * time.Second

// mark tells the sockets that have had no news how far the numbers are.
func (h *Hub) mark() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for topic, sockets := range h.sockets {
		n := h.notice(h.position, topic, ready)
		for s := range sockets {
			if s.lastTold() < n.id {
				s.push(n)
			}
		}
	}
}

// The types of the messages by which the hub speaks of itself.
const (
	ready  = "ready"
	resync = "resync"
)

// notice makes such a message for those who listen to a topic.
func (h *Hub) notice(position int64, topic Topic, kind string) *news {
	text, _ := encode(position, kind, json.RawMessage("{}"), h.Now()) // nothing in it can fail
	return &news{id: position, topic: topic, toAll: true, anew: kind == resync, text: text}
}

func (h *Hub) socketsOf(users []int64) []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*socket
	for _, id := range users {
		for s := range h.users[id] {
			all = append(all, s)
		}
	}
	return all
}

// refresh reads what the users of sockets may see now. Where that cannot be read they are
// closed, to come back.
func (h *Hub) refresh(ctx context.Context, sockets []*socket) {
	if len(sockets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h.refreshing.Lock()
	defer h.refreshing.Unlock()
	var sessions []uuid.UUID
	for _, s := range sockets {
		sessions = append(sessions, s.session)
	}
	rows, err := db.New().SessionsAccess(ctx, h.DB, sessions)
	if err != nil {
		if h.ctx.Err() == nil {
			h.Log.Error("what listeners may see cannot be read, so they are cut", slog.Any("error", err))
		}
		for _, s := range sockets {
			s.end(comeBack, "Come back and resume.")
		}
		return
	}
	now := map[uuid.UUID]viewer{}
	for _, row := range rows {
		now[row.ID] = viewer{row.UserID, row.Role, row.PatientID}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range sockets {
		who, signedIn := now[s.session]
		s.become(who, signedIn, h.notice(h.position, s.topic, resync))
	}
}
