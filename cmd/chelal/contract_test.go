package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestContractHolds has schemathesis make up thousands of requests, right ones and wrong ones,
// signed in as each role: no answer is an error of the server, has a status that the contract
// does not know for it, or does not fit its schema. The Admin comes last, who may end the
// others' sessions.
func TestContractHolds(t *testing.T) {
	t.Parallel()
	base := "http://" + startDev(t, map[string]string{"ACCESS_TOKEN_LIFETIME": "6h", "RATE_LIMIT_IP": "0", "RATE_LIMIT_USER": "0", "LOG_LEVEL": "error"})
	tokens := map[string]string{}
	for _, account := range demoAccounts {
		_, tokens[account.username] = signInToken(t, base, account.username)
	}
	for _, run := range []struct{ username, phases string }{
		{"doctor", "examples,fuzzing,stateful"},
		{"nurse", "examples,fuzzing,stateful"},
		{"receptionist", "examples,fuzzing,stateful"},
		{"pharmacist", "examples,fuzzing,stateful"},
		{"patient", "examples,fuzzing,stateful"},
		{"admin", "examples,coverage,fuzzing,stateful"},
	} {
		cmd := testkit.Program(t, "schemathesis", "--no-color", "--config-file", "schemathesis.toml", "run", base+"/openapi.yaml",
			"--phases", run.phases, "-H", "Authorization: Bearer "+tokens[run.username])
		cmd.Dir = filepath.Join(testkit.Repository(t), ".ci", "tools")
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", run.username, output)
	}
}
