package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// greeting is the helper's first line.
type greeting struct {
	URL    string
	Pid    int
	Joined bool
}

// help starts the cluster, greets, and on request writes row after row, printing
// each once it is committed. It stops when its input ends.
func help(dir string) error {
	if os.Getenv(helperDir+"_BARE") != "" {
		places, cache = nil, filepath.Join(dir, "none")
		os.Setenv("PATH", "")
	}
	s, err := Start(context.Background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(greeting{URL: s.URL("postgres"), Pid: s.Pid(), Joined: s.Joined()}); err != nil {
		return err
	}
	if os.Getenv(helperDir+"_WRITES") != "" {
		return writeRows(s.URL("postgres"))
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return s.Stop()
}

func writeRows(url string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE acknowledged (n bigint PRIMARY KEY)"); err != nil {
		return err
	}
	for n := int64(1); ; n++ {
		if _, err := conn.Exec(ctx, "INSERT INTO acknowledged VALUES ($1)", n); err != nil {
			return nil // the test has killed the server
		}
		fmt.Println(n)
	}
}

// helper is another process on a cluster.
type helper struct {
	greeting
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Reader
}

func startHelper(t *testing.T, dir string, env ...string) *helper {
	t.Helper()
	h := launchHelper(t, dir, env...)
	h.greet(t)
	return h
}

func launchHelper(t *testing.T, dir string, env ...string) *helper {
	t.Helper()
	h := &helper{cmd: exec.Command(os.Args[0])}
	h.cmd.Env = append(append(os.Environ(), helperDir+"="+dir), env...)
	h.cmd.Stderr = os.Stderr
	stdin, err := h.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := h.cmd.StdoutPipe()
	require.NoError(t, err)
	h.stdin, h.lines = stdin, bufio.NewReader(stdout)
	require.NoError(t, h.cmd.Start())
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	})
	return h
}

func (h *helper) greet(t *testing.T) {
	t.Helper()
	line, err := h.lines.ReadBytes('\n')
	require.NoError(t, err, "the helper did not start")
	require.NoError(t, json.Unmarshal(line, &h.greeting))
}

func (h *helper) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, h.stdin.Close())
	require.NoError(t, h.cmd.Wait())
}

func (h *helper) readRows(t *testing.T, n int) (last int) {
	t.Helper()
	for last < n {
		line, err := h.lines.ReadString('\n')
		require.NoError(t, err)
		last, err = strconv.Atoi(strings.TrimSpace(line))
		require.NoError(t, err)
	}
	return last
}

// drain reads what was still acknowledged. The last line may be cut.
func (h *helper) drain(t *testing.T) (last int) {
	t.Helper()
	rest, err := io.ReadAll(h.lines)
	require.NoError(t, err)
	for line := range strings.Lines(string(rest)) {
		if n, err := strconv.Atoi(strings.TrimSuffix(line, "\n")); err == nil && strings.HasSuffix(line, "\n") {
			last = n
		}
	}
	return last
}
