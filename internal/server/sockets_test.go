package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"chelal/internal/server"
	"chelal/internal/testkit"
)

// TestSocketsAreRefused asks without opening one: what is refused is refused before, and
// whoever would be let in is told that this is no WebSocket.
func TestSocketsAreRefused(t *testing.T) {
	t.Parallel()
	const letIn = "not_a_websocket"
	b := setup(t, func(o *server.Options) { o.CORSOrigins = []string{"https://desk.example"} })
	doctor, patient, none, nobody := b.as("Doctor"), b.as("Patient"), b.as(""), b.nobody()
	own := fmt.Sprintf("/ws/notifications/%d/", doctor.user.ID)
	for name, test := range map[string]struct {
		caller
		path   string
		header []string
		status int
		code   string
	}{
		"nobody":                           {nobody, "/ws/notifications/", nil, 401, "not_authenticated"},
		"a token as elsewhere":             {nobody, "/ws/notifications/", []string{"Authorization", "Bearer " + doctor.doer.Token}, 401, "not_authenticated"},
		"a token that is none":             {nobody, "/ws/notifications/", []string{"Sec-WebSocket-Protocol", "bearer, x"}, 401, "token_not_valid"},
		"another protocol":                 {nobody, "/ws/notifications/", []string{"Sec-WebSocket-Protocol", "graphql, " + doctor.doer.Token}, 401, "not_authenticated"},
		"a token in the URL":               {doctor, "/ws/notifications/?token=" + doctor.doer.Token, nil, 400, "token_in_url"},
		"a token in the URL, too":          {doctor, "/ws/dashboard/?Access_Token=x", nil, 400, "token_in_url"},
		"a ticket that is none":            {nobody, "/ws/notifications/?ticket=x", nil, 401, "ticket_not_valid"},
		"another site's page":              {doctor, "/ws/notifications/", []string{"Origin", "https://evil.example"}, 403, "cross_origin"},
		"a page without an origin":         {doctor, "/ws/notifications/", []string{"Origin", "null"}, 403, "cross_origin"},
		"a front end's page":               {doctor, "/ws/notifications/", []string{"Origin", "https://desk.example"}, 400, letIn},
		"an own page":                      {doctor, "/ws/notifications/", []string{"Origin", "http://hospital.test"}, 400, letIn},
		"own notifications by id":          {doctor, own, nil, 400, letIn},
		"another's notifications":          {patient, own, nil, 404, "not_found"},
		"no id":                            {doctor, "/ws/notifications/me/", nil, 404, "not_found"},
		"notifications without a role":     {none, "/ws/notifications/", nil, 400, letIn},
		"appointments":                     {doctor, "/ws/appointments/", nil, 400, letIn},
		"a patient's appointments":         {patient, "/ws/appointments/", nil, 400, letIn},
		"appointments without a role":      {none, "/ws/appointments/", nil, 403, "forbidden"},
		"the dashboard":                    {doctor, "/ws/dashboard/", nil, 400, letIn},
		"a patient's dashboard":            {patient, "/ws/dashboard/", nil, 403, "forbidden"},
		"the dashboard without a role":     {none, "/ws/dashboard/", nil, 403, "forbidden"},
		"an unknown topic":                 {doctor, "/ws/bills/", nil, 404, "no_such_path"},
		"an unknown parameter":             {doctor, "/ws/appointments/?since=1", nil, 400, "invalid"},
		"a wrong parameter":                {doctor, "/ws/appointments/?last_event_id=-1", nil, 400, "invalid"},
		"a parameter twice":                {doctor, "/ws/appointments/?last_event_id=1&last_event_id=2", nil, 400, "invalid"},
		"a malformed query":                {doctor, "/ws/appointments/?last_event_id=%zz", nil, 400, "invalid"},
		"wrong parameters of a wrong role": {patient, "/ws/dashboard/?since=1", nil, 403, "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.user.ID != 0 {
				test.header = append(test.header, "Sec-WebSocket-Protocol", "bearer, "+test.doer.Token)
			}
			test.call("GET", test.path, nil, test.header...).refused(t, test.status, test.code)
		})
	}
	_, err := b.db.Exec(t.Context(), "UPDATE core_user SET password_change_required = true WHERE id = $1", doctor.user.ID)
	require.NoError(t, err)
	doctor.call("GET", "/ws/notifications/", nil, "Sec-WebSocket-Protocol", "bearer, "+doctor.doer.Token).
		refused(t, 403, "password_change_required")
}

func TestATicketOpensOneSocketOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	ticket := func() string {
		a := nurse.call("POST", "/api/ws-ticket/", nil)
		require.Equal(t, 200, a.status, a.raw)
		return "/ws/appointments/?ticket=" + a.body["ticket"].(string)
	}
	url := ticket()
	b.nobody().call("GET", url, nil).refused(t, 400, "not_a_websocket")
	b.nobody().call("GET", url, nil).refused(t, 401, "ticket_not_valid")

	late := ticket()
	b.now = b.now.Add(30 * time.Second)
	b.nobody().call("GET", late, nil).refused(t, 401, "ticket_not_valid")

	after := ticket()
	require.Equal(t, 204, nurse.call("POST", "/api/auth/logout/", nil).status)
	b.nobody().call("GET", after, nil).refused(t, 401, "ticket_not_valid")

	b.nobody().call("POST", "/api/ws-ticket/", nil).refused(t, 401, "not_authenticated")
	b.as("").call("POST", "/api/ws-ticket/?x=1", nil).refused(t, 400, "invalid")
}

func TestOfManyUsesOfATicketOneSucceeds(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	ticket := l.as("Nurse").call("POST", "/api/ws-ticket/", nil).body["ticket"].(string)
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			conn, response, err := websocket.DefaultDialer.Dial(l.url+"/ws/appointments/?ticket="+ticket, nil)
			if err == nil {
				_ = conn.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			if response != nil {
				statuses[response.StatusCode]++
			}
		})
	}
	all.Wait()
	require.Equal(t, map[int]int{101: 1, 401: 15}, statuses)
}

func TestAUserHasAtMostTwentySockets(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	pharmacist := l.as("Pharmacist")
	var sockets []*listener
	for range 20 {
		sockets = append(sockets, l.listen(pharmacist, "/ws/notifications/", "ready"))
	}
	_, response, err := l.dial(pharmacist, "/ws/dashboard/")
	require.ErrorIs(t, err, websocket.ErrBadHandshake)
	require.Equal(t, http.StatusTooManyRequests, response.StatusCode)
	require.NotEmpty(t, response.Header.Get("Retry-After"))
	require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
	l.listen(l.as("Nurse"), "/ws/notifications/", "ready")

	sockets[0].leave()
	require.Eventually(t, func() bool {
		conn, _, err := l.dial(pharmacist, "/ws/notifications/")
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	l.runLow()
	for _, s := range sockets[1:] {
		require.Equal(t, "notification", s.next().Type)
	}
}

// runLow has the low stock of a medication told to every Pharmacist.
func (l *live) runLow() {
	l.t.Helper()
	m := testkit.Medication(l.t, l.db, 20)
	a := l.as("Pharmacist").call("POST", fmt.Sprintf("/api/medications/%d/stock/", m.ID), `{"quantity": -15, "reason": "Spoilt"}`)
	require.Equal(l.t, 201, a.status, a.raw)
}

// TestASocketDoesNotListen: whatever a client says ends its socket, and nobody else's.
func TestASocketDoesNotListen(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	pharmacist := l.as("Pharmacist")
	bystander := l.listen(pharmacist, "/ws/notifications/", "ready")
	for name, test := range map[string]struct {
		say  func(*websocket.Conn) error
		code int
	}{
		"a text":  {func(c *websocket.Conn) error { return c.WriteMessage(websocket.TextMessage, []byte("hello")) }, 1008},
		"a frame": {func(c *websocket.Conn) error { return c.WriteMessage(websocket.BinaryMessage, []byte{0, 1, 2}) }, 1008},
		"too large a frame": {func(c *websocket.Conn) error {
			return c.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 1<<20)))
		}, 1009},
		"garbage": {func(c *websocket.Conn) error {
			_, err := c.NetConn().Write([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"))
			return err
		}, 1002},
		"a flood of pings": {func(c *websocket.Conn) error {
			for range 100 {
				if err := c.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)); err != nil {
					return nil // closed already
				}
			}
			return nil
		}, 1008},
	} {
		t.Run(name, func(t *testing.T) {
			s := l.listen(pharmacist, "/ws/notifications/", "ready")
			_ = test.say(s.conn) // the server may hang up while it is being said
			s.closed(test.code)
		})
	}
	require.NoError(t, bystander.conn.WriteControl(websocket.PingMessage, []byte("x"), time.Now().Add(time.Second)))
	ponged := make(chan string, 1)
	bystander.conn.SetPongHandler(func(text string) error { ponged <- text; return nil })
	l.runLow()
	require.Equal(t, "notification", bystander.next().Type)
	require.Equal(t, "x", <-ponged)
}
