package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// startPgBouncer starts the real one in transaction mode before the hospital's database, with
// fewer connections than a server would open itself, and returns its address.
func (h *hospital) startPgBouncer() string {
	t, at := h.t, h.pool.Config().ConnConfig
	t.Helper()
	dir, err := os.MkdirTemp("", "chelal-pgbouncer-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := freeAddress(t)
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	file := filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `[databases]
* = host=%s port=%d user=%s password=%s
[pgbouncer]
listen_addr = %s
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters = extra_float_digits
`, at.Host, at.Port, at.User, at.Password, host, port), 0o644)) // read by another user
	require.NoError(t, os.Chmod(dir, 0o755))
	found := testkit.Program(t, "pgbouncer", file)
	cmd := exec.Command(found.Path, found.Args[1:]...)
	if os.Geteuid() == 0 { // it refuses to run as root
		nobody, err := user.Lookup("nobody")
		require.NoError(t, err)
		uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
		require.NoError(t, err)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	out := newWatched()
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond, "%s", out)
	return address
}

// TestBehindPgBouncer runs two servers through PgBouncer in transaction mode, in both of pgx's
// modes that prepare no statements: work, jobs and news go on as without it.
func TestBehindPgBouncer(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"exec", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			database := testkit.URL(t)
			h := newHospital(t, database)
			pooled, err := url.Parse(database)
			require.NoError(t, err)
			pooled.Host = h.startPgBouncer()
			query := pooled.Query()
			query.Set("default_query_exec_mode", mode)
			pooled.RawQuery = query.Encode()
			var servers []*instance
			for range 2 {
				servers = append(servers, serving(t, pooled.String(), []string{"DIRECT_DATABASE_URL=" + database}, "serve", "--listen", "127.0.0.1:0"))
			}
			followers := []*follower{h.follow(servers[0], 0), h.follow(servers[1], 0)}
			var ids []int64
			for n := range 10 {
				ids = append(ids, h.book(servers[n%2]))
			}
			for _, f := range followers {
				f.tells(ids)
			}
			require.Eventually(t, func() bool {
				var sealed int
				return h.pool.QueryRow(t.Context(), "SELECT count(*) FROM river.river_job WHERE state = 'completed'").Scan(&sealed) == nil && sealed > 0
			}, time.Minute, 20*time.Millisecond, "jobs are worked")
		})
	}
}
