package realtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
	"chelal/internal/realtime"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) {
	if os.Getenv("CHELAL_TEST_IS_AUDIENCE") != "" {
		audience()
		return
	}
	testkit.Main(m)
}

// house is a hub with its relay, on a network without any authentication: a Nurse
// listens to the appointments.
type house struct {
	pool  *pgxpool.Pool
	hub   *realtime.Hub
	relay *realtime.Relay
	url   string
	start func()
	close func()

	mu  sync.Mutex
	who []authn.Principal // twenty sockets each, or there were too many of one user
	n   int
}

// newHouse opens a house; it is closed after the test, if the test has not closed it.
func newHouse(t testing.TB, pool *pgxpool.Pool) *house {
	t.Helper()
	h := openHouse(t, pool)
	h.start()
	return h
}

// openHouse opens a house that follows no events before start.
func openHouse(t testing.TB, pool *pgxpool.Pool) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	h := &house{pool: pool}
	h.hub = realtime.NewHub(realtime.Options{DB: pool, Now: time.Now, Log: log, Zone: time.UTC})
	h.relay = realtime.NewRelay(pool, h.hub, nil, log)
	require.NoError(t, h.hub.Start(t.Context()))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	h.start = func() { running.Go(func() { h.relay.Run(ctx) }) }
	network := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := realtime.Listener{Who: h.next(t), Topic: realtime.Appointments}
		if after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64); err == nil {
			l.After = &after
		}
		if err := h.hub.Serve(w, r, nil, l); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}))
	h.url = "ws" + strings.TrimPrefix(network.URL, "http")
	h.close = sync.OnceFunc(func() {
		h.hub.Close(context.Background())
		network.Close()
		cancel()
		running.Wait()
	})
	t.Cleanup(h.close)
	return h
}

// next is the user of the next socket.
func (h *house) next(t testing.TB) authn.Principal {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n++; h.n > 20*len(h.who) {
		u := testkit.User(t, h.pool, authn.RoleNurse)
		h.who = append(h.who, authn.Principal{UserID: u.ID, Role: authn.RoleNurse, Session: testkit.Session(t, h.pool, u.ID)})
	}
	return h.who[len(h.who)-1]
}

// listener is a client's end of a socket.
type listener struct {
	t    testing.TB
	conn *websocket.Conn
}

type heard struct {
	ID   int64
	Type string
	Data struct{ N int }
}

// listen opens a socket; after resumes it when it is not negative.
func (h *house) listen(t testing.TB, after int64) *listener {
	t.Helper()
	url := h.url
	if after >= 0 {
		url += fmt.Sprintf("?after=%d", after)
	}
	conn, _, err := websocket.DefaultDialer.Dial(url, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &listener{t, conn}
}

func (l *listener) next() heard {
	l.t.Helper()
	m, err := l.read()
	require.NoError(l.t, err)
	return m
}

func (l *listener) read() (heard, error) {
	var m heard
	_ = l.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	_, text, err := l.conn.ReadMessage()
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	return m, err
}

// announce is what a change writes; n tells the events apart.
const announce = `INSERT INTO core_event (topic, type, to_staff, data)
	VALUES ('appointments', 'appointment.updated', true, jsonb_build_object('n', $1::int))`

func execute(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	_, err := pool.Exec(context.Background(), sql, args...)
	require.NoError(t, err)
}
