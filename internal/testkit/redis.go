package testkit

import (
	"net"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Redis is a Redis of a test's own, which the test may kill and start again.
type Redis struct {
	t    testing.TB
	port string
	cmd  *exec.Cmd
}

// StartRedis starts a Redis on a free port. Where none is installed, see Program.
func StartRedis(t testing.TB) *Redis {
	t.Helper()
	Program(t, "redis-server")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &Redis{t: t, port: strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)}
	require.NoError(t, ln.Close())
	r.Start()
	t.Cleanup(r.Kill)
	return r
}

// URL is where it answers, also after it was started again.
func (r *Redis) URL() string { return "redis://127.0.0.1:" + r.port }

// Start returns when it answers.
func (r *Redis) Start() {
	r.t.Helper()
	r.cmd = exec.Command("redis-server", "--port", r.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", r.t.TempDir())
	require.NoError(r.t, r.cmd.Start())
	require.Eventually(r.t, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+r.port)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 30*time.Second, 10*time.Millisecond)
}

// Signal sends it a signal: SIGSTOP makes it hang.
func (r *Redis) Signal(signal syscall.Signal) {
	r.t.Helper()
	require.NoError(r.t, r.cmd.Process.Signal(signal))
}

// Full keeps its only connection for itself and ends the others, until it is started again.
func (r *Redis) Full() {
	r.t.Helper()
	ctx := r.t.Context()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + r.port, PoolSize: 1})
	r.t.Cleanup(func() { _ = client.Close() })
	for _, command := range [][]any{
		{"CONFIG", "SET", "maxclients", "1"}, {"CLIENT", "KILL", "TYPE", "normal"}, {"CLIENT", "KILL", "TYPE", "pubsub"},
	} {
		require.NoError(r.t, client.Do(ctx, command...).Err())
	}
}

// Kill ends it without a chance to tidy up.
func (r *Redis) Kill() {
	_ = r.cmd.Process.Kill() // it may be dead already
	_ = r.cmd.Wait()
}
