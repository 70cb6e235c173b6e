package realtime

import (
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
)

const (
	pingEvery = 30 * time.Second
	// pongWait is how long nothing may come from the client, not even an answer to a ping.
	pongWait = 2*pingEvery + 10*time.Second
	// writeWait is how long one message may take to leave.
	writeWait = 10 * time.Second
	// closeWait is how long a closed client has to answer.
	closeWait = time.Second
	// maxQueue is how many messages may wait for a slow reader.
	maxQueue = 2 * atOnce
	// maxInbound is the size of the largest message that is read at all.
	maxInbound = 512
	// maxPings is how many pings of a client are answered in the time between two of ours.
	maxPings = 60
)

// How a socket ends.
const (
	forbidden  = websocket.ClosePolicyViolation // 1008: do not come back like this
	restarting = websocket.CloseServiceRestart  // 1012: come back when the reason says
	comeBack   = websocket.CloseTryAgainLater   // 1013: come back and resume
)

// socket is one connection. The hub pushes, one goroutine writes, another reads.
type socket struct {
	hub     *Hub
	conn    *websocket.Conn
	topic   Topic
	userID  int64
	session uuid.UUID
	after   *int64 // where to resume
	start   int64  // what comes after this is pushed

	signal chan struct{} // there is something to write
	gone   chan struct{} // closed when the client is

	mu     sync.Mutex
	who    viewer
	seen   bool    // whether who has been read
	told   int64   // the id of the last message written
	missed []*news // to be written before the queue
	queue  []*news
	ending []byte // the close message, once there is one
}

// push queues news, or cuts a reader that is too slow.
func (s *socket) push(n *news) {
	s.mu.Lock()
	full := len(s.queue) >= maxQueue
	if !full && s.ending == nil {
		s.queue = append(s.queue, n)
	}
	s.mu.Unlock()
	if full {
		s.end(comeBack, "You read too slowly. Come back and resume.")
		return
	}
	s.notify()
}

func (s *socket) notify() {
	select {
	case s.signal <- struct{}{}:
	default: // it is awake
	}
}

// end closes the socket; of several reasons the first counts. What is queued is dropped.
func (s *socket) end(code int, reason string) {
	s.mu.Lock()
	first := s.ending == nil
	if first {
		s.ending, s.missed, s.queue = websocket.FormatCloseMessage(code, reason), nil, nil
	}
	s.mu.Unlock()
	if first {
		// A write that is stuck must not keep the close waiting.
		_ = s.conn.NetConn().SetWriteDeadline(time.Now().Add(closeWait))
		s.notify()
	}
}

// become applies what the user may see now. Somebody who may not listen any more is
// closed; somebody who sees other rows than before is told to read anew.
func (s *socket) become(who viewer, signedIn bool, changed *news) {
	switch {
	case !signedIn:
		s.end(forbidden, "You are signed out. Sign in again.")
		return
	case !s.topic.Allows(who.principal()):
		s.end(forbidden, "Your role does not allow this any more.")
		return
	}
	s.mu.Lock()
	differs := s.seen && s.who != who
	s.who, s.seen = who, true
	s.mu.Unlock()
	if differs {
		s.push(changed)
	}
}

// next takes the next message that the user may receive, as of this moment; nil when
// there is none. ending is the close message, once there is one.
func (s *socket) next() (n *news, ending []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.ending == nil {
		from := &s.missed
		if len(*from) == 0 {
			from = &s.queue
		}
		if len(*from) == 0 {
			s.missed, s.queue = nil, nil
			return nil, nil
		}
		n, *from = (*from)[0], (*from)[1:]
		// Who resumed from a process that is ahead of this one has heard of some.
		fresh := n.anew || n.id > s.told || n.toAll && n.id == s.told
		if fresh && s.who.receives(n) {
			s.told = n.id
			return n, nil
		}
	}
	return nil, s.ending
}

// lastTold is the id from which the client would resume.
func (s *socket) lastTold() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// write runs until the socket is closed, by whomever.
func (s *socket) write() {
	defer s.close()
	s.begin()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-s.gone:
			return
		case <-ping.C:
			if s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)) != nil {
				return
			}
		case <-s.signal:
			if !s.flush() {
				return
			}
		}
	}
}

// begin finds out what the user may see, now that no change of that can be missed, and
// fetches what a socket that resumes has missed.
func (s *socket) begin() {
	s.hub.refresh(s.hub.ctx, []*socket{s})
	if s.after == nil {
		return
	}
	missed, err := s.hub.missedBy(s)
	if err != nil {
		s.end(comeBack, "Come back and resume.")
		return
	}
	s.mu.Lock()
	s.missed = missed
	s.mu.Unlock()
	s.notify()
}

// flush writes what waits, and reports whether the socket goes on.
func (s *socket) flush() bool {
	for {
		n, ending := s.next()
		if n == nil {
			return ending == nil
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(writeWait)) // it only keeps the moment
		if s.conn.WriteMessage(websocket.TextMessage, n.text) != nil {
			return false
		}
	}
}

// close says why the socket ends, waits a moment for the client and hangs up.
func (s *socket) close() {
	s.mu.Lock()
	ending := s.ending
	s.mu.Unlock()
	if ending != nil && s.conn.WriteControl(websocket.CloseMessage, ending, time.Now().Add(closeWait)) == nil {
		wait := time.NewTimer(closeWait)
		defer wait.Stop()
		select {
		case <-s.gone:
		case <-wait.C:
		}
	}
	_ = s.conn.Close()
	<-s.gone
	s.hub.remove(s)
}

// read answers pings and refuses whatever else the client says, until the client is gone.
func (s *socket) read() {
	defer close(s.gone)
	pings, since := 0, time.Now()
	s.conn.SetReadLimit(maxInbound)
	alive := func() { _ = s.conn.SetReadDeadline(time.Now().Add(pongWait)) } // a dead line fails to be read
	alive()
	s.conn.SetPongHandler(func(string) error {
		alive()
		return nil
	})
	s.conn.SetPingHandler(func(text string) error {
		alive()
		if time.Since(since) > pingEvery {
			pings, since = 0, time.Now()
		}
		if pings++; pings > maxPings {
			s.end(forbidden, "Too many pings.")
			return nil
		}
		_ = s.conn.WriteControl(websocket.PongMessage, []byte(text), time.Now().Add(closeWait)) // whoever asks will ask again
		return nil
	})
	for {
		if _, _, err := s.conn.NextReader(); err != nil {
			return
		}
		s.end(forbidden, "This socket tells; it does not listen.")
	}
}
