package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
)

// inProcess starts `chelal dev` in this process, with 20 patients where it finds none.
func inProcess(t *testing.T, dir string, args ...string) (base string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := newWatched()
	code := make(chan int, 1)
	args = append([]string{"dev", "--data", dir, "--listen", "127.0.0.1:0", "--patients", "20"}, args...)
	go func() { code <- run(ctx, args, func(string) string { return "" }, strings.NewReader(""), out, out) }()
	select {
	case <-out.seen:
	case c := <-code:
		cancel()
		require.Fail(t, "chelal dev ended", "code %d: %s", c, out)
	}
	return urlIn(t, out.String()), func() int {
		cancel()
		return <-code
	}
}

func TestDevComesUpWithEverythingAndAgainInTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	base, stop := inProcess(t, dir)
	for _, path := range []string{"/api/health/", "/docs/", "/openapi.yaml"} {
		response, err := http.Get(base + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, path)
	}
	for _, account := range demoAccounts {
		status, _ := signIn(t, base, account.username)
		require.Equal(t, http.StatusOK, status, account.username)
	}
	require.Equal(t, 20, patientsSeenBy(t, base, "admin"))
	require.Equal(t, 1, patientsSeenBy(t, base, "patient"), "the patient's own record")

	key, err := os.Stat(filepath.Join(dir, "secret-key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), key.Mode())

	t.Run("what else runs meanwhile", func(t *testing.T) { whileItRuns(t, dir, strings.TrimPrefix(base, "http://")) })
	require.Zero(t, stop())

	began := time.Now()
	base, stop = inProcess(t, dir)
	require.Less(t, time.Since(began), 3*time.Second)
	require.Equal(t, 20, patientsSeenBy(t, base, "admin"), "the demo data comes once")
	require.Zero(t, stop())

	base, stop = inProcess(t, dir, "--reset", "--patients", "0")
	require.Equal(t, 1, patientsSeenBy(t, base, "admin"), "only the demo patient's record")
	require.Zero(t, stop())
}

func patientsSeenBy(t *testing.T, base, username string) int {
	t.Helper()
	_, api := signIn(t, base, username)
	answer, err := api.ListPatientsWithResponse(t.Context(), &client.ListPatientsParams{})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode(), string(answer.Body))
	return len(answer.JSON200.Results)
}

// whileItRuns tries the commands that share the cluster, and those that may not.
func whileItRuns(t *testing.T, dir, address string) {
	code, _, stderr := chelal(t, nil, "", "dev", "--data", dir, "--listen", address)
	require.Equal(t, 1, code)
	require.Equal(t, "chelal: another program already uses "+address+"; stop it, or choose another address with --listen\n", stderr)

	code, _, stderr = chelal(t, nil, "", "dev", "--data", dir, "--listen", "127.0.0.1:0")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "chelal: another chelal uses the database in "+dir)

	code, _, stderr = chelal(t, nil, "", "dev", "--data", dir, "--listen", "127.0.0.1:0", "--reset")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "in use by process")

	code, _, stderr = chelal(t, nil, "", "migrate", "status", "--data", dir)
	require.Zero(t, code, stderr)
}

func TestDevRepairsWhatAKillLeftUndone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	code, _, stderr := chelal(t, nil, "", "migrate", "up", "--data", dir)
	require.Zero(t, code, stderr)
	base, stop := inProcess(t, dir)
	require.Equal(t, 20, patientsSeenBy(t, base, "admin"))
	require.Zero(t, stop())

	execute(t, dir, "UPDATE core_patient SET user_id = NULL; DELETE FROM core_session; DELETE FROM core_loginactivity; "+
		"DELETE FROM core_user WHERE username IN ('admin', 'patient')")
	base, stop = inProcess(t, dir)
	require.Equal(t, 20, patientsSeenBy(t, base, "admin"), "no second batch of patients")
	require.Equal(t, 1, patientsSeenBy(t, base, "patient"))
	require.Zero(t, stop())
}

func TestThePortIsTakenBeforeAnythingIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	code, _, _ := chelal(t, nil, "", "dev", "--data", dir, "--listen", ln.Addr().String())
	require.Equal(t, 1, code)
	require.NoDirExists(t, dir)
}
