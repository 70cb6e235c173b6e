package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestPostmanCollection runs the collection from start to end: every operation of the
// contract, each with a test of its status and its schema.
func TestPostmanCollection(t *testing.T) {
	t.Parallel()
	collection := filepath.Join(testkit.Repository(t), "web-docs", "chelal_backend_api.postman_collection.json")
	cmd := testkit.Program(t, "newman", "run", collection, "--env-var", "baseUrl=http://"+startDev(t, nil), "--color", "off", "--reporter-cli-silent")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
}
