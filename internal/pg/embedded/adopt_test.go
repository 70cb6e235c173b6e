package embedded

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func itoa(n int) string { return strconv.Itoa(n) }

// After a reboot the process id in the pid file may belong to any program, and
// PostgreSQL refuses to start beside one of the same user.
func TestStart_PidFileNamesAStranger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Start(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	_, err = connect(t, s.URL("postgres")).Exec(t.Context(), "CREATE TABLE kept ()")
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(s.Pid(), syscall.SIGKILL))
	require.NoError(t, s.Stop())

	stranger := s.cluster.account.command(context.Background(), "/bin/sh", "-c", "read line")
	stdin, err := stranger.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, stranger.Start())
	defer stranger.Wait()
	defer stdin.Close()
	patchPid(t, s.cluster, stranger)

	again := start(t, dir)
	require.NotEqual(t, stranger.Process.Pid, again.Pid())
	_, err = connect(t, again.URL("postgres")).Exec(t.Context(), "SELECT FROM kept")
	require.NoError(t, err)
	require.True(t, alive(stranger.Process.Pid), "nobody may signal a stranger")
}

func patchPid(t *testing.T, c *cluster, stranger *exec.Cmd) {
	t.Helper()
	p, err := c.readPidFile()
	require.NoError(t, err)
	text := readFile(t, c.pidFile())
	require.NoError(t, writeWhole(c.pidFile(), strings.Replace(text, itoa(p.pid), itoa(stranger.Process.Pid), 1)))
	require.NoError(t, c.account.give(c.pidFile()))
}

func TestStart_EmptyPidFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	require.NoError(t, s.Stop())
	require.NoError(t, writeWhole(s.cluster.pidFile(), ""))
	require.NoError(t, s.cluster.account.give(s.cluster.pidFile()))
	start(t, dir)
}

func TestStart_AfterKillDuringCreation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := launchHelper(t, dir)
	leftovers := func() []string {
		found, _ := filepath.Glob(filepath.Join(dir, "initdb-*", "data"))
		return found
	}
	require.Eventually(t, func() bool { return len(leftovers()) > 0 }, time.Minute, time.Millisecond)
	require.NoError(t, h.cmd.Process.Kill())
	_ = h.cmd.Wait()

	s := start(t, dir)
	require.False(t, s.Joined())
	require.NoError(t, connect(t, s.URL("postgres")).Ping(t.Context()))
	// Its initdb still ran, and gives up for lack of its folder.
	require.Eventually(t, func() bool {
		s.cluster.sweep()
		return len(leftovers()) == 0
	}, time.Minute, time.Millisecond)
}
