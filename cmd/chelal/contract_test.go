package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestContractHolds has schemathesis make up thousands of requests, right ones and wrong ones,
// signed in as each role: no answer is an error of the server, has a status that the contract
// does not know for it, or does not fit its schema. The Admin comes last, who may end the
// others' sessions.
func TestContractHolds(t *testing.T) {
	t.Parallel()
	base := builtDev(t, "ACCESS_TOKEN_LIFETIME=6h", "RATE_LIMIT_IP=0", "RATE_LIMIT_USER=0", "LOG_LEVEL=error")
	tokens := map[string]string{}
	for _, account := range demoAccounts {
		_, tokens[account.username] = signInToken(t, base, account.username)
	}
	for _, run := range []struct{ username, phases, examples string }{
		{"doctor", "examples,fuzzing,stateful", "4"},
		{"nurse", "examples,fuzzing,stateful", "4"},
		{"receptionist", "examples,fuzzing,stateful", "4"},
		{"pharmacist", "examples,fuzzing,stateful", "4"},
		{"patient", "examples,fuzzing,stateful", "4"},
		{"admin", "examples,coverage,fuzzing,stateful", "8"},
	} {
		cmd := testkit.Program(t, "schemathesis", "--no-color", "--config-file", "schemathesis.toml", "run", base+"/openapi.yaml",
			"--phases", run.phases, "--max-examples", run.examples, "-H", "Authorization: Bearer "+tokens[run.username])
		cmd.Dir = filepath.Join(testkit.Repository(t), ".ci", "tools")
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", run.username, output)
	}
}

// builtDev runs `chelal dev` as it is built for a hospital, without the race detector, and returns
// where it serves.
func builtDev(t *testing.T, vars ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "chelal")
	output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", output)
	cmd := exec.Command(program, "dev", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data"), "--patients", "20")
	cmd.Env = append(os.Environ(), vars...)
	out := newWatched()
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		require.NoError(t, cmd.Wait())
	})
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "Ctrl-C") }, 2*time.Minute, 50*time.Millisecond, "%s", out)
	return urlIn(t, out.String())
}
