package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/internal/pg"
	"chelal/internal/pg/embedded"
	"chelal/internal/testkit"
	"chelal/internal/testkit/disk"
)

// faulty is a server as a process on a PostgreSQL of its own, with people who register patients
// and do not give up: each repeats a request with its key until it is answered.
type faulty struct {
	t       *testing.T
	cluster *embedded.Server
	options embedded.Options // of the cluster
	between *forwarder       // from the server to the cluster, wherever it listens
	server  *instance
	address string
	token   string

	mu           sync.Mutex
	acknowledged map[string]bool
	done         atomic.Int64 // how many were
	refused      atomic.Int64 // 503 with Retry-After
	broken       atomic.Int64 // connections that ended without an answer
	stop         chan struct{}
	writers      sync.WaitGroup
}

// newFaulty starts everything but the writers.
func newFaulty(t *testing.T, options embedded.Options, vars ...string) *faulty {
	t.Helper()
	f := &faulty{t: t, options: options, acknowledged: map[string]bool{}, stop: make(chan struct{}), between: newForwarder(t)}
	f.startPostgres()
	t.Cleanup(func() { _ = f.cluster.Stop() }) // it may be gone
	require.NoError(t, createDatabase(t.Context(), f.cluster.URL("postgres")))
	database := f.between.reach(f.cluster.URL("chelal"))
	require.NoError(t, pg.MigrateUp(t.Context(), database))
	h := newHospital(t, database)
	f.token = h.desk
	h.pool.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f.address = ln.Addr().String()
	require.NoError(t, ln.Close())
	f.startServer(vars...)
	return f
}

func (f *faulty) startPostgres() {
	f.t.Helper()
	var err error
	f.cluster, err = embedded.Start(f.t.Context(), f.options)
	require.NoError(f.t, err)
	f.between.lead(f.cluster.URL(""))
}

func (f *faulty) startServer(vars ...string) {
	f.t.Helper()
	f.server = serving(f.t, f.between.reach(f.cluster.URL("chelal")), append(vars, "RATE_LIMIT_IP=0", "RATE_LIMIT_USER=0"),
		"serve", "--listen", f.address, "--workers=false")
}

// working starts everything, with the cluster in a folder, and has people work.
func working(t *testing.T, folder string, vars ...string) *faulty {
	t.Helper()
	return workingOn(t, embedded.Options{Dir: folder}, vars...)
}

func workingOn(t *testing.T, options embedded.Options, vars ...string) *faulty {
	t.Helper()
	f := newFaulty(t, options, vars...)
	f.work()
	f.goesOn(50)
	return f
}

// recovers is the end of every test: work goes on without a hand, and nothing is lost or done twice.
func (f *faulty) recovers() {
	f.t.Helper()
	f.goesOn(50)
	f.holds()
}

// work has four people register patients until the end of the test.
func (f *faulty) work() {
	for n := range 4 {
		f.writers.Go(func() {
			client := &http.Client{Timeout: time.Minute}
			for i := 0; ; i++ {
				select {
				case <-f.stop:
					return
				default:
					f.register(client, fmt.Sprintf("fault-%d-%d", n, i))
				}
			}
		})
	}
}

// register repeats a request until it is acknowledged or the test is over.
func (f *faulty) register(client *http.Client, name string) {
	for {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+f.address+"/api/patients/",
			strings.NewReader(`{"first_name": "Jane", "last_name": "`+name+`", "date_of_birth": "1990-01-15", "gender": "F"}`))
		if err != nil {
			f.t.Error(err)
			return
		}
		r.Header.Set("Authorization", "Bearer "+f.token)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", name)
		answer, err := client.Do(r)
		switch {
		case err != nil:
			f.broken.Add(1)
		case answer.StatusCode == http.StatusCreated:
			f.mu.Lock()
			f.acknowledged[name] = true
			f.mu.Unlock()
			f.done.Add(1)
		case answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
			f.refused.Add(1)
		case answer.StatusCode != http.StatusConflict: // in flight: the first one is still at it
			body, _ := io.ReadAll(answer.Body)
			f.t.Errorf("%d %v %s", answer.StatusCode, answer.Header, body)
		}
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusCreated {
				return
			}
		}
		select {
		case <-f.stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// goesOn waits until so many more are acknowledged.
func (f *faulty) goesOn(more int64) {
	f.t.Helper()
	before := f.done.Load()
	require.Eventually(f.t, func() bool { return f.done.Load() >= before+more }, 2*time.Minute, 10*time.Millisecond, "work goes on by itself")
}

// refuses waits until somebody was told to come again later.
func (f *faulty) refuses() {
	f.t.Helper()
	before := f.refused.Load()
	require.Eventually(f.t, func() bool { return f.refused.Load() > before }, time.Minute, 10*time.Millisecond, "503 and not silence")
}

// holds ends the work: what was acknowledged is there once, what was not at most once, and
// the audit log knows each.
func (f *faulty) holds() {
	f.t.Helper()
	close(f.stop)
	f.writers.Wait()
	conn, err := pgx.Connect(f.t.Context(), f.cluster.URL("chelal"))
	require.NoError(f.t, err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(f.t.Context(), `SELECT p.last_name, count(*), (SELECT count(*) FROM core_auditlog a
		WHERE a.action = 'create' AND a.object_type = 'patient' AND a.object_id = min(p.id)::text)
		FROM core_patient p WHERE p.last_name LIKE 'fault-%' GROUP BY p.last_name`)
	require.NoError(f.t, err)
	there := map[string]bool{}
	var name string
	var times, audited int
	_, err = pgx.ForEachRow(rows, []any{&name, &times, &audited}, func() error {
		there[name] = true
		require.Equal(f.t, 1, times, "%s was done twice", name)
		require.Equal(f.t, 1, audited, "%s has so many rows in the audit log", name)
		return nil
	})
	require.NoError(f.t, err)
	for name := range f.acknowledged {
		require.True(f.t, there[name], "%s was acknowledged and is lost", name)
	}
	require.Greater(f.t, len(f.acknowledged), 100)
	f.t.Logf("%d acknowledged, %d refused, %d broken connections", f.done.Load(), f.refused.Load(), f.broken.Load())
}

func TestFaultPostgresStopped(t *testing.T) {
	t.Parallel()
	f := working(t, filepath.Join(t.TempDir(), "data"))
	require.NoError(t, f.cluster.Stop())
	f.refuses()
	response, err := http.Get("http://" + f.address + "/readyz")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode, "no more requests, please")
	f.startPostgres()
	f.recovers()
}

func TestFaultPostgresRestarted(t *testing.T) {
	t.Parallel()
	f := working(t, filepath.Join(t.TempDir(), "data"))
	for range 3 {
		require.NoError(t, f.cluster.Stop())
		f.startPostgres()
		f.goesOn(40)
	}
	f.recovers()
}

func TestFaultPostgresKilled(t *testing.T) {
	t.Parallel()
	f := working(t, filepath.Join(t.TempDir(), "data"))
	require.NoError(t, syscall.Kill(f.cluster.Pid(), syscall.SIGKILL))
	f.refuses()
	require.NoError(t, f.cluster.Stop()) // lets go of the folder
	f.startPostgres()
	f.recovers()
}

// TestFaultPostgresHangs stops PostgreSQL's processes as a disk that does not answer does: they
// are there, and nothing comes.
func TestFaultPostgresHangs(t *testing.T) {
	t.Parallel()
	f := working(t, filepath.Join(t.TempDir(), "data"))
	postmaster := f.cluster.Pid()
	require.NoError(t, syscall.Kill(postmaster, syscall.SIGSTOP)) // from now on it has no new children
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", postmaster, postmaster))
	require.NoError(t, err)
	goOn := func() {
		for child := range strings.FieldsSeq(string(children)) {
			if pid, err := strconv.Atoi(child); err == nil {
				_ = syscall.Kill(pid, syscall.SIGCONT) // it may be gone
			}
		}
		_ = syscall.Kill(postmaster, syscall.SIGCONT)
	}
	t.Cleanup(goOn)
	for child := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(child)
		require.NoError(t, err)
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended just now
	}
	f.refuses()
	goOn()
	f.recovers()
}

// TestFaultOutOfConnections takes every connection that PostgreSQL has.
func TestFaultOutOfConnections(t *testing.T) {
	t.Parallel()
	f := working(t, filepath.Join(t.TempDir(), "data"))
	var taken []*pgx.Conn
	take := func() bool {
		conn, err := pgx.Connect(t.Context(), f.cluster.URL("postgres"))
		if err == nil {
			taken = append(taken, conn)
		}
		return err == nil
	}
	require.True(t, take())
	before := f.refused.Load()
	require.Eventually(t, func() bool {
		_, err := taken[0].Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chelal'")
		require.NoError(t, err)
		for take() {
		}
		return f.refused.Load() > before
	}, time.Minute, time.Millisecond, "the server's own are gone, and there is none for it")
	for _, conn := range taken {
		require.NoError(t, conn.Close(t.Context()))
	}
	f.recovers()
}

func TestFaultServerKilled(t *testing.T) {
	t.Parallel()
	f := working(t, filepath.Join(t.TempDir(), "data"))
	for range 3 {
		f.server.kill()
		f.startServer()
		f.goesOn(40)
	}
	f.recovers()
}

// TestFaultPostgresSlow has every answer of PostgreSQL come late, as over a bad line.
func TestFaultPostgresSlow(t *testing.T) {
	t.Parallel()
	f := working(t, filepath.Join(t.TempDir(), "data"))
	f.between.late.Store(int64(100 * time.Millisecond))
	f.goesOn(20)
	f.between.late.Store(int64(8 * time.Second)) // later than a request may take
	f.refuses()
	f.between.late.Store(0)
	f.recovers()
}

// TestFaultRedis is one who works while Redis is away, in each way that it can be. It carries
// news to other servers and nothing that anybody waits for.
func TestFaultRedis(t *testing.T) {
	for name, fault := range map[string]func(f *faulty, redis *testkit.Redis, between *forwarder){
		"Stopped": func(f *faulty, redis *testkit.Redis, _ *forwarder) {
			redis.Signal(syscall.SIGTERM)
			f.goesOn(100)
			redis.Kill() // it is gone already
			redis.Start()
		},
		"Restarted": func(f *faulty, redis *testkit.Redis, _ *forwarder) {
			for range 3 {
				redis.Kill()
				redis.Start()
				f.goesOn(40)
			}
		},
		"Killed": func(f *faulty, redis *testkit.Redis, _ *forwarder) {
			redis.Kill()
			f.goesOn(100)
			redis.Start()
		},
		"OutOfConnections": func(f *faulty, redis *testkit.Redis, _ *forwarder) {
			redis.Full()
			f.goesOn(100)
			redis.Kill()
			redis.Start()
		},
		"Hangs": func(f *faulty, redis *testkit.Redis, _ *forwarder) { // takes connections and says nothing
			redis.Signal(syscall.SIGSTOP)
			f.goesOn(100)
			redis.Signal(syscall.SIGCONT)
		},
		"Slow": func(f *faulty, _ *testkit.Redis, between *forwarder) {
			between.late.Store(int64(2 * time.Second))
			f.goesOn(100)
			between.late.Store(0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis, between := testkit.StartRedis(t), newForwarder(t)
			between.lead(redis.URL())
			f := working(t, filepath.Join(t.TempDir(), "data"), "REDIS_URL="+between.reach(redis.URL()))
			fault(f, redis, between)
			f.recovers()
			require.Zero(t, f.refused.Load()+f.broken.Load(), "nobody notices")
		})
	}
}

// TestFaultClockStepped steps the clock of the server's and PostgreSQL's processes back and forth.
func TestFaultClockStepped(t *testing.T) {
	t.Parallel()
	preload, err := testkit.Program(t, "faketime", "-f", "+0", "printenv", "LD_PRELOAD").Output()
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(folder), 0o755)) // PostgreSQL's user reads the clock, too
	clock := filepath.Join(folder, "clock")
	step := func(by string) { require.NoError(t, os.WriteFile(clock, []byte(by+"\n"), 0o644)) }
	step("+0")
	file := "FAKETIME_TIMESTAMP_FILE=" + clock
	f := workingOn(t, embedded.Options{Dir: filepath.Join(folder, "data"), Env: []string{
		"LD_PRELOAD=" + strings.TrimSpace(string(preload)), file, "FAKETIME_NO_CACHE=1", "FAKETIME_DISABLE_SHM=1", "DONT_FAKE_MONOTONIC=1",
	}}, file)
	conn, err := pgx.Connect(t.Context(), f.cluster.URL("chelal"))
	require.NoError(t, err)
	defer conn.Close(context.Background())
	for _, by := range []string{"-3600", "+600", "-86400", "+0"} {
		step(by)
		seconds, err := strconv.Atoi(by)
		require.NoError(t, err)
		var now, noted time.Time
		f.goesOn(50)
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT now(), (SELECT created_at FROM core_patient ORDER BY id DESC LIMIT 1)").Scan(&now, &noted))
		for _, at := range []time.Time{now, noted} {
			require.WithinDuration(t, time.Now().Add(time.Duration(seconds)*time.Second), at, time.Minute, "the clock is the stepped one")
		}
	}
	f.recovers()
	require.Zero(t, f.refused.Load()+f.broken.Load(), "nobody notices")
}

// steppedBy is this machine's clock, off by the seconds that a file says.
func steppedBy(file string) func() time.Time {
	return func() time.Time {
		content, _ := os.ReadFile(file)                                // while it is written it is empty,
		seconds, _ := strconv.Atoi(strings.TrimSpace(string(content))) // which is a step, too
		return time.Now().Add(time.Duration(seconds) * time.Second)
	}
}

// TestFaultDiskFull has the cluster on a disk of its own and fills it.
func TestFaultDiskFull(t *testing.T) {
	t.Parallel()
	folder := disk.Small(t, "400m")
	f := working(t, filepath.Join(folder, "data"))
	ballast := filepath.Join(folder, "ballast")
	file, err := os.Create(ballast)
	require.NoError(t, err)
	for block := make([]byte, 64<<10); err == nil; {
		_, err = file.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, file.Close())
	f.refuses()
	require.NoError(t, os.Remove(ballast))
	f.recovers()
}
