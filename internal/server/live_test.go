package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"chelal/internal/realtime"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

// live is a server on the network whose events are passed on.
type live struct {
	*bundle
	hub *realtime.Hub
	url string
}

func setupLive(t *testing.T, change ...func(*server.Options)) *live {
	t.Helper()
	pool := testkit.Pool(t)
	l := &live{}
	var relay *realtime.Relay
	l.bundle = setupOn(t, pool, append(change, func(o *server.Options) {
		l.hub = realtime.NewHub(realtime.Options{DB: pool, Now: time.Now, Log: o.Log, Zone: o.Zone})
		relay = realtime.NewRelay(pool, l.hub, nil, o.Log)
		o.Live, o.Committed = l.hub, relay.Wake
	})...)
	require.NoError(t, l.hub.Start(t.Context()))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { relay.Run(ctx) })
	network := httptest.NewServer(l.handler)
	l.url = "ws" + strings.TrimPrefix(network.URL, "http")
	t.Cleanup(func() {
		l.hub.Close(context.Background())
		network.Close()
		cancel()
		running.Wait()
	})
	return l
}

// listener is a client's end of a socket.
type listener struct {
	t    testing.TB
	conn *websocket.Conn
}

// heard is a message of a socket.
type heard struct {
	ID   int64
	Type string
	Data map[string]any
	At   time.Time
}

// dial tries to open a socket as a caller, with header pairs.
func (l *live) dial(c caller, path string, header ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	dialer := websocket.Dialer{Subprotocols: []string{"bearer", c.doer.Token}}
	return dialer.Dial(l.url+path, h)
}

// listen opens a socket and reads its first message, which must be of a type.
func (l *live) listen(c caller, path, first string) *listener {
	l.t.Helper()
	s := l.open(c, path)
	require.Equal(l.t, first, s.next().Type)
	return s
}

func (l *live) open(c caller, path string) *listener {
	l.t.Helper()
	conn, response, err := l.dial(c, path)
	require.NoError(l.t, err, response)
	require.Equal(l.t, "bearer", conn.Subprotocol())
	l.t.Cleanup(func() { _ = conn.Close() })
	return &listener{l.t, conn}
}

// next waits for a message and holds it against the contract.
func (s *listener) next() heard {
	s.t.Helper()
	require.NoError(s.t, s.conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	kind, text, err := s.conn.ReadMessage()
	require.NoError(s.t, err)
	require.Equal(s.t, websocket.TextMessage, kind)
	var value any
	require.NoError(s.t, json.Unmarshal(text, &value))
	require.NoError(s.t, testkit.Contract().Components.Schemas["LiveMessage"].Value.VisitJSON(value), string(text))
	var m heard
	require.NoError(s.t, json.Unmarshal(text, &m))
	return m
}

// closed waits until the server closes the socket with a code, and returns the reason.
func (s *listener) closed(code int) string {
	s.t.Helper()
	require.NoError(s.t, s.conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	for {
		_, text, err := s.conn.ReadMessage()
		if err == nil {
			require.Contains(s.t, string(text), `"resync"`, "a message before the end")
			continue
		}
		var end *websocket.CloseError
		require.ErrorAs(s.t, err, &end)
		require.Equal(s.t, code, end.Code, end.Text)
		return end.Text
	}
}

// leave closes the client's end and returns when the server has seen it.
func (s *listener) leave() {
	s.t.Helper()
	require.NoError(s.t, s.conn.WriteControl(websocket.CloseMessage,
		websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second)))
	s.closed(websocket.CloseNormalClosure)
}

// TestRealtimeGuide holds the messages of the guide against the contract.
func TestRealtimeGuide(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../web-docs/realtime.html")
	require.NoError(t, err)
	messages := regexp.MustCompile(`(?s)<code class="message">(.*?)</code>`).FindAllStringSubmatch(string(page), -1)
	require.Len(t, messages, 4)
	for _, m := range messages {
		var value any
		require.NoError(t, json.Unmarshal([]byte(m[1]), &value), m[1])
		require.NoError(t, testkit.Contract().Components.Schemas["LiveMessage"].Value.VisitJSON(value), m[1])
	}
}
