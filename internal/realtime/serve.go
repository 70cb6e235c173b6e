package realtime

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"chelal/internal/apperr"
	"chelal/internal/authn"
)

const (
	// maxSockets is how many sockets a user may have open in one process.
	maxSockets = 20
	// returnsPerSecond is how many clients are asked back in a second after a restart.
	returnsPerSecond = 500
)

// protocol is the subprotocol under which an access token is sent.
const protocol = "bearer"

// Token returns the access token that a request for a socket brings as
// Sec-WebSocket-Protocol: bearer, <token>.
func Token(r *http.Request) (token string, ok bool) {
	protocols := websocket.Subprotocols(r)
	if len(protocols) != 2 || protocols[0] != protocol {
		return "", false
	}
	return protocols[1], true
}

var (
	notASocket = apperr.New(apperr.Invalid, "not_a_websocket",
		"This path speaks WebSocket. Open it as ws:// or wss://; the API describes it under the tag live.")
	tooManySockets = apperr.New(apperr.TooMany, "too_many_sockets",
		"This account has too many sockets open. Close one first.").After(10 * time.Second)
	notOpen = apperr.New(apperr.Unavailable, "restarting",
		"The server is starting or stopping. Come back shortly.").After(time.Second)
)

// Listener is who wants to listen, and to what.
type Listener struct {
	Who   authn.Principal
	Topic Topic
	// After is the id of the last message that came, to resume after it. It may be nil.
	After *int64
}

// buffers are shared by the sockets that are writing.
var buffers sync.Pool

// upgrader leaves the origin to the caller, and refusals to Serve's.
var upgrader = websocket.Upgrader{
	ReadBufferSize: maxInbound, WriteBufferSize: 1 << 10, WriteBufferPool: &buffers, Subprotocols: []string{protocol},
	CheckOrigin: func(*http.Request) bool { return true },
	Error:       func(http.ResponseWriter, *http.Request, int, error) {},
}

// Serve turns a request into a socket and returns. An error says why it did not; then
// nothing has been answered. Whether the listener may listen is the caller's to ask first.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, header http.Header, l Listener) error {
	if !websocket.IsWebSocketUpgrade(r) {
		return notASocket
	}
	if err := h.reserve(l.Who.UserID); err != nil {
		return err
	}
	conn, err := upgrader.Upgrade(w, r, header)
	if err != nil {
		h.release(l.Who.UserID)
		return notASocket.Because(err)
	}
	s := &socket{
		hub: h, conn: conn, topic: l.Topic, userID: l.Who.UserID, session: l.Who.Session, after: l.After,
		signal: make(chan struct{}, 1), gone: make(chan struct{}),
	}
	h.add(s)
	return nil
}

// Sockets answers how many are open or being opened.
func (h *Hub) Sockets() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, taken := range h.places {
		n += taken
	}
	return n
}

func (h *Hub) reserve(userID int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.state != open:
		return notOpen
	case h.places[userID] >= maxSockets:
		return tooManySockets
	}
	h.places[userID]++
	return nil
}

func (h *Hub) release(userID int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave(userID)
}

func (h *Hub) leave(userID int64) {
	if h.places[userID]--; h.places[userID] == 0 {
		delete(h.places, userID)
	}
}

// add makes a socket hear what comes from now on. One that resumes is told by itself where
// it stands.
func (h *Hub) add(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != open { // since its place was reserved
		h.leave(s.userID)
		_ = s.conn.Close()
		return
	}
	if h.users[s.userID] == nil {
		h.users[s.userID] = map[*socket]struct{}{}
	}
	h.users[s.userID][s] = struct{}{}
	h.sockets[s.topic][s] = struct{}{}
	s.start = h.position
	if s.topic == Dashboard {
		s.after = nil // the figures that come are all of them
	}
	if s.after == nil {
		s.push(h.notice(s.start, s.topic, ready))
	}
	if s.topic == Dashboard && h.figures != nil {
		s.push(h.figuresNews(h.figures))
	}
	h.running.Go(s.read)
	h.running.Go(s.write)
}

func (h *Hub) remove(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sockets[s.topic], s)
	if delete(h.users[s.userID], s); len(h.users[s.userID]) == 0 {
		delete(h.users, s.userID)
	}
	h.leave(s.userID)
}

// Close tells every client to come back, each at another moment, and takes no new one. It
// returns how many there were when all are gone, or cuts those that are not when ctx ends.
// Call it before the HTTP server's Shutdown, which knows nothing of sockets.
func (h *Hub) Close(ctx context.Context) int {
	var all []*socket
	h.mu.Lock()
	h.state = closed
	for _, sockets := range h.sockets {
		for s := range sockets {
			all = append(all, s)
		}
	}
	h.mu.Unlock()
	h.cancel()
	spread := max(time.Second, time.Duration(len(all))*time.Second/returnsPerSecond)
	for _, s := range all {
		s.end(restarting, fmt.Sprintf(`{"reconnect_after_ms":%d}`, rand.Int64N(spread.Milliseconds())))
	}
	done := make(chan struct{})
	go func() {
		h.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		for _, s := range all {
			_ = s.conn.Close()
		}
		<-done
	}
	return len(all)
}
