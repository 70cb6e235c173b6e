package embedded

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestStart_TwoAtOnceShareOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	owner, guest := launchHelper(t, dir), launchHelper(t, dir)
	owner.greet(t)
	guest.greet(t)
	if owner.Joined {
		owner, guest = guest, owner
	}
	require.False(t, owner.Joined)
	require.True(t, guest.Joined)
	require.Equal(t, owner.URL, guest.URL)
	require.Equal(t, owner.Pid, guest.Pid)

	guest.stop(t)
	require.NoError(t, connect(t, owner.URL).Ping(t.Context()), "a guest that leaves must not stop the server")
	owner.stop(t)
	require.False(t, alive(owner.Pid))
}

func TestStart_JoinsWithinOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	owner := start(t, dir)
	guest := start(t, dir)
	require.True(t, guest.Joined())
	require.NoError(t, guest.Stop())
	require.NoError(t, connect(t, owner.URL("postgres")).Ping(t.Context()))
}

func TestStart_OwnerThatNeverAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := openLock(filepath.Join(dir, "lock"))
	require.NoError(t, err)
	taken, err := l.take()
	require.NoError(t, err)
	require.True(t, taken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Start(ctx, Options{Dir: dir})
	require.ErrorContains(t, err, "owned by process "+itoa(syscall.Getpid()))
	require.NoError(t, l.release())
}

// Whoever is killed, every row whose insertion was acknowledged must be there.
func TestStart_AfterKillLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	for name, kills := range map[string]struct{ owner, server bool }{
		"owner":  {owner: true},
		"server": {server: true},
		"both":   {owner: true, server: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			h := startHelper(t, dir, helperDir+"_WRITES=1")
			last := h.readRows(t, 200)
			if kills.server {
				require.NoError(t, syscall.Kill(h.Pid, syscall.SIGKILL))
			}
			if kills.owner {
				require.NoError(t, h.cmd.Process.Kill())
			}
			last = max(last, h.drain(t)) // until the helper is dead, or has failed for lack of a server
			_ = h.cmd.Wait()

			s := start(t, dir)
			require.False(t, s.Joined())
			if kills.server {
				require.NotEqual(t, h.Pid, s.Pid())
			} else {
				require.Equal(t, h.Pid, s.Pid(), "the orphan must be taken over")
			}
			var rows, highest int
			require.NoError(t, connect(t, s.URL("postgres")).QueryRow(t.Context(), "SELECT count(*), max(n) FROM acknowledged").Scan(&rows, &highest))
			require.GreaterOrEqual(t, highest, last)
			require.Equal(t, highest, rows)

			require.NoError(t, s.Stop())
			require.Empty(t, processesIn(dir))
		})
	}
}

func TestStop_AfterTheServerEndedByItself(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	require.NoError(t, syscall.Kill(s.Pid(), syscall.SIGINT))
	<-s.exited
	require.NoError(t, s.Stop())
	_, err := pgx.Connect(t.Context(), s.URL("postgres"))
	require.Error(t, err)
}
