package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

const liveKey = "Zk3-vT9wQ1mB7xN5cR2pL8sD6fH4gJ0y"

// instance is one of several processes of chelal on one database.
type instance struct {
	*exec.Cmd
	url    string
	exited chan struct{}
}

// launch starts one, with variables for its environment, and returns what it writes.
func launch(t *testing.T, database string, vars []string, args ...string) (*instance, *watched) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	out := newWatched()
	i := &instance{Cmd: exec.Command(exe, args...), exited: make(chan struct{})}
	i.Env = append(append(os.Environ(), "CHELAL_TEST_IS_PROGRAM=1", "DATABASE_URL="+database, "SECRET_KEY="+liveKey, "LOG_FORMAT=json"), vars...)
	i.Dir = t.TempDir()
	i.Stdout, i.Stderr = out, out
	require.NoError(t, i.Start())
	t.Cleanup(i.kill)
	go func() {
		_, _ = i.Process.Wait()
		close(i.exited)
	}()
	return i, out
}

// instances starts n of them.
func instances(t *testing.T, n int, database, redisURL string) []*instance {
	t.Helper()
	var all []*instance
	for range n {
		all = append(all, serving(t, database, []string{"REDIS_URL=" + redisURL}, "serve", "--listen", "127.0.0.1:0", "--workers=false"))
	}
	return all
}

// serving starts one and waits until it serves.
func serving(t *testing.T, database string, vars []string, args ...string) *instance {
	t.Helper()
	i, out := launch(t, database, vars, args...)
	served := regexp.MustCompile(`"msg":"serving","url":"(http://[^"]+)"`)
	require.Eventually(t, func() bool {
		if match := served.FindStringSubmatch(out.String()); match != nil {
			i.url = match[1]
		}
		return i.url != ""
	}, time.Minute, 20*time.Millisecond, "%s", out)
	return i
}

// kill ends it without a chance to tidy up.
func (i *instance) kill() {
	_ = i.Process.Kill() // it may be dead already
	<-i.exited
}

// hospital is a database with a receptionist, a nurse, a doctor and a patient.
type hospital struct {
	t               *testing.T
	pool            *pgxpool.Pool
	desk, nurse     string // access tokens
	doctor, patient int64
	day             int
}

func newHospital(t *testing.T, database string) *hospital {
	t.Helper()
	pool, err := pg.Open(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	tokens, err := authn.NewTokens([]byte(liveKey), nil, time.Hour, time.Now)
	require.NoError(t, err)
	token := func(role string) string {
		u := testkit.User(t, pool, role)
		access, _, err := tokens.Issue(u.ID, testkit.Session(t, pool, u.ID))
		require.NoError(t, err)
		return access
	}
	return &hospital{
		t: t, pool: pool, desk: token(authn.RoleReceptionist), nurse: token(authn.RoleNurse),
		doctor: testkit.User(t, pool, authn.RoleDoctor).ID, patient: testkit.Patient(t, pool, nil).ID,
	}
}

// book books an appointment through one of the processes and returns its id.
func (h *hospital) book(at *instance) int64 {
	h.t.Helper()
	h.day++
	body, err := json.Marshal(map[string]any{"patient": h.patient, "doctor": h.doctor, "time": "09:30",
		"date": time.Date(2031, 1, h.day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)})
	require.NoError(h.t, err)
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, at.url+"/api/appointments/", bytes.NewReader(body))
	require.NoError(h.t, err)
	r.Header.Set("Authorization", "Bearer "+h.desk)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	require.NoError(h.t, err)
	defer response.Body.Close()
	var made struct{ ID int64 }
	require.NoError(h.t, json.NewDecoder(response.Body).Decode(&made))
	require.Equal(h.t, http.StatusCreated, response.StatusCode)
	return made.ID
}

// news is a message of the appointments' socket.
type news struct {
	ID   int64
	Type string
	Data struct{ Appointment int64 }
}

type follower struct {
	t    *testing.T
	conn *websocket.Conn
	last int64
}

// follow opens a socket on the appointments, resumed when after is not 0.
func (h *hospital) follow(at *instance, after int64) *follower {
	h.t.Helper()
	url := "ws" + strings.TrimPrefix(at.url, "http") + "/ws/appointments/"
	if after != 0 {
		url += fmt.Sprintf("?last_event_id=%d", after)
	}
	dialer := websocket.Dialer{Subprotocols: []string{"bearer", h.nurse}}
	conn, _, err := dialer.Dial(url, nil)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = conn.Close() })
	f := &follower{h.t, conn, after}
	if after == 0 {
		require.Equal(h.t, "ready", f.next().Type)
	}
	return f
}

func (f *follower) next() news {
	f.t.Helper()
	require.NoError(f.t, f.conn.SetReadDeadline(time.Now().Add(time.Minute)))
	var n news
	require.NoError(f.t, f.conn.ReadJSON(&n))
	require.GreaterOrEqual(f.t, n.ID, f.last)
	f.last = n.ID
	return n
}

// tells requires that exactly these appointments are told next, in this order.
func (f *follower) tells(ids []int64) {
	f.t.Helper()
	for _, id := range ids {
		n := f.next()
		for n.Type == "ready" {
			n = f.next()
		}
		require.Equal(f.t, "appointment.created", n.Type)
		require.Equal(f.t, id, n.Data.Appointment)
	}
}

// TestThreeServersTellTheSame kills the Redis between them and starts it again, and then
// ends the servers one by one: every client is told of every appointment, once and in
// order.
func TestThreeServersTellTheSame(t *testing.T) {
	t.Parallel()
	between := testkit.StartRedis(t)
	database := testkit.URL(t)
	h, servers := newHospital(t, database), instances(t, 3, database, between.URL())
	var followers []*follower
	for _, server := range servers {
		followers = append(followers, h.follow(server, 0))
	}
	round := func() {
		t.Helper()
		var ids []int64
		for n := range 6 {
			ids = append(ids, h.book(servers[n%3]))
		}
		for _, f := range followers {
			f.tells(ids)
		}
	}
	client := redis.NewClient(&redis.Options{Addr: strings.TrimPrefix(between.URL(), "redis://")})
	defer client.Close()
	connected := func() bool {
		n, err := client.PubSubNumSub(context.Background(), "chelal:events").Result()
		return err == nil && n["chelal:events"] == 3
	}
	require.Eventually(t, connected, time.Minute, 20*time.Millisecond)
	round()

	between.Kill()
	round()
	for _, server := range servers {
		response, err := http.Get(server.url + "/api/health/")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, "healthy without Redis")
	}

	between.Start()
	require.Eventually(t, connected, time.Minute, 20*time.Millisecond, "they come back by themselves")
	heard := client.Subscribe(t.Context(), "chelal:events")
	defer heard.Close()
	_, err := heard.Receive(t.Context())
	require.NoError(t, err)
	round()
	_, err = heard.ReceiveMessage(t.Context())
	require.NoError(t, err, "and they tell each other again")

	require.NoError(t, servers[0].Process.Signal(syscall.SIGTERM))
	_, _, err = followers[0].conn.ReadMessage()
	var end *websocket.CloseError
	require.ErrorAs(t, err, &end)
	require.Equal(t, websocket.CloseServiceRestart, end.Code)
	require.Contains(t, end.Text, "reconnect_after_ms")
	<-servers[0].exited
	missed := []int64{h.book(servers[1]), h.book(servers[2])}
	followers[2].tells(missed)
	servers[2].kill()
	last := h.book(servers[1])
	h.follow(servers[1], followers[0].last).tells(append(missed, last))
	h.follow(servers[1], followers[2].last).tells([]int64{last})
	followers[1].tells(append(missed, last))
}

// TestAnEventSurvivesTheServerThatWroteIt kills a server after the commit of a booking and
// before anything of it could be passed on: numbering waits for a lock that the test holds.
func TestAnEventSurvivesTheServerThatWroteIt(t *testing.T) {
	t.Parallel()
	database := testkit.URL(t)
	h, servers := newHospital(t, database), instances(t, 2, database, "")
	here, there := h.follow(servers[0], 0), h.follow(servers[1], 0)
	first := []int64{h.book(servers[0])}
	here.tells(first)
	there.tells(first)

	conn, err := h.pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), "SELECT pg_advisory_lock(hashtextextended('core_event', 0))")
	require.NoError(t, err)
	id := h.book(servers[0])
	servers[0].kill()
	var unnumbered int
	require.NoError(t, h.pool.QueryRow(t.Context(), "SELECT count(*) FROM core_event WHERE number IS NULL AND topic = 'appointments'").Scan(&unnumbered))
	require.Equal(t, 1, unnumbered)
	_, err = conn.Exec(t.Context(), "SELECT pg_advisory_unlock(hashtextextended('core_event', 0))")
	require.NoError(t, err)

	again := h.follow(servers[1], here.last)
	more := h.book(servers[1])
	for _, f := range []*follower{there, again} {
		f.tells([]int64{id, more})
	}
}
