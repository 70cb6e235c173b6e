package embedded

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRemove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(notes, nil, 0o600))
	s := start(t, dir)
	require.ErrorContains(t, Remove(dir), "in use by process "+itoa(os.Getpid()))
	require.NoError(t, connect(t, s.URL("postgres")).Ping(t.Context()))
	require.NoError(t, s.Stop())

	require.NoError(t, os.Mkdir(filepath.Join(dir, "initdb-123"), 0o700)) // of a killed process
	require.NoError(t, Remove(dir))
	require.Equal(t, []string{"lock", "notes.txt"}, names(t, dir))
	require.NoError(t, Remove(dir), "there is nothing more to remove")
	require.NoError(t, Remove(filepath.Join(dir, "never made")))
	require.NoDirExists(t, filepath.Join(dir, "never made"))

	start(t, dir)
}

func TestRemove_StopsAnOrphan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startHelper(t, dir)
	require.NoError(t, h.cmd.Process.Kill())
	_ = h.cmd.Wait()
	require.True(t, alive(h.Pid))
	require.NoError(t, Remove(dir))
	require.Equal(t, []string{"lock"}, names(t, dir))
	require.Empty(t, processesIn(dir))
}

func TestStart_PasswordGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	require.NoError(t, s.Stop())
	require.NoError(t, writeWhole(filepath.Join(dir, "password"), "another"))
	_, err := Start(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "is not the cluster's")
	require.Empty(t, processesIn(dir))

	require.NoError(t, os.Remove(filepath.Join(dir, "password")))
	_, err = Start(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "--reset")
	require.NoError(t, Remove(dir))
	start(t, dir)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
