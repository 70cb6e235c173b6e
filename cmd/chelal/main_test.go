package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/internal/testkit"
)

// TestMain is the program itself when a test has started this binary as such.
func TestMain(m *testing.M) {
	if os.Getenv("CHELAL_TEST_IS_PROGRAM") != "" {
		if clock := os.Getenv("FAKETIME_TIMESTAMP_FILE"); clock != "" {
			os.Exit(runProcess(steppedBy(clock)))
		}
		main()
		return
	}
	testkit.Main(m)
}

// run runs a command in process.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{now: time.Now, getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	return p.run(ctx, args)
}

// chelal runs a command in process, with nothing of this machine's environment.
func chelal(t *testing.T, vars map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	getenv := func(name string) string { return vars[name] }
	code = run(t.Context(), args, getenv, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// process is a `chelal dev` in a process of its own.
type process struct {
	*exec.Cmd
	url    string
	output *watched
}

// startProcess starts the program in a folder and returns once it serves. Its data is in
// .chelal there.
func startProcess(t *testing.T, folder string, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	p := &process{Cmd: exec.Command(exe, append([]string{"dev", "--listen", "127.0.0.1:0"}, args...)...), output: newWatched()}
	p.Env = append(os.Environ(), "CHELAL_TEST_IS_PROGRAM=1", "LOG_LEVEL=error", "PGSERVICE=another", "PGTARGETSESSIONATTRS=standby")
	p.Dir = folder
	p.Stdout, p.Stderr = p.output, p.output
	require.NoError(t, p.Start())
	exited := make(chan struct{})
	t.Cleanup(func() {
		_ = p.Process.Signal(os.Interrupt) // unless the test has ended it
		<-exited
	})
	go func() {
		_, _ = p.Process.Wait()
		close(exited)
	}()
	select {
	case <-p.output.seen:
	case <-exited:
		require.Fail(t, "chelal dev ended", p.output.String())
	case <-time.After(2 * time.Minute):
		require.Fail(t, "chelal dev does not come up", p.output.String())
	}
	p.url = urlIn(t, p.output.String())
	return p
}

// urlIn reads the base URL from the welcome.
func urlIn(t *testing.T, output string) string {
	t.Helper()
	_, rest, _ := strings.Cut(output, "Health")
	line, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	require.True(t, strings.HasSuffix(line, "/api/health/"), output)
	return strings.TrimSuffix(line, "/api/health/")
}

// signIn returns the answer's status and a client for what the account may do.
func signIn(t *testing.T, base, username string) (status int, api *client.ClientWithResponses) {
	t.Helper()
	status, token := signInToken(t, base, username)
	api, err := client.NewClientWithResponses(base, client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}))
	require.NoError(t, err)
	return status, api
}

// signInToken answers the status and the access token of an account of the demo data.
func signInToken(t *testing.T, base, username string) (status int, token string) {
	t.Helper()
	body := `{"username":"` + username + `","password":"` + demoPassword + `"}`
	response, err := http.Post(base+"/api/auth/", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer response.Body.Close()
	var pair struct{ Access string }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&pair))
	return response.StatusCode, pair.Access
}
