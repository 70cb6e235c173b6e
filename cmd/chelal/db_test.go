package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/dbstats"
)

func TestDBStats(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	code, _, stderr := chelal(t, nil, "", "migrate", "up", "--data", dir)
	require.Zero(t, code, stderr)
	code, stdout, stderr := chelal(t, nil, "", "db", "stats", "--data", dir, "--rows", "5")
	require.Zero(t, code, stderr)
	require.Regexp(t, `(?m)^Connections\n  state +program +connections`, stdout)
	require.Regexp(t, `(?m)^Tables that want a vacuum\n  none$`, stdout)
	require.Regexp(t, `(?m)^  offline operations +0$`, stdout)

	code, stdout, stderr = chelal(t, nil, "", "db", "stats", "--data", dir, "--json")
	require.Zero(t, code, stderr)
	var tables []dbstats.Table
	require.NoError(t, json.Unmarshal([]byte(stdout), &tables))
	require.Equal(t, "Connections", tables[0].Title)

	for _, args := range [][]string{{"db"}, {"db", "sizes"}, {"db", "stats", "--rows", "0"}} {
		code, _, stderr := chelal(t, nil, "", args...)
		require.Equal(t, 2, code, stderr)
	}
}
