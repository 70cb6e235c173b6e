package embedded

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// hideInstalled makes this machine look as if it had no PostgreSQL, nor an earlier download of it.
func hideInstalled(t *testing.T) {
	installed, downloaded := places, cache
	places, cache = nil, filepath.Join(t.TempDir(), "none")
	t.Cleanup(func() { places, cache = installed, downloaded })
	t.Setenv("PATH", t.TempDir())
}

func TestStart_DownloadsOnce(t *testing.T) {
	if os.Getenv("CHELAL_TEST_DOWNLOAD") == "" {
		t.Skip("set CHELAL_TEST_DOWNLOAD=1 to fetch 15 MB from Maven Central")
	}
	hideInstalled(t)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "download-1"), 0o755)) // of a killed process

	var notes []string
	options := Options{Dir: dir, Unsafe: true, Note: func(n string) { notes = append(notes, n); t.Log(n) }}
	for range 2 {
		s, err := Start(t.Context(), options)
		require.NoError(t, err)
		_, err = connect(t, s.URL("postgres")).Exec(t.Context(), `CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE EXTENSION IF NOT EXISTS btree_gist;
			CREATE EXTENSION IF NOT EXISTS unaccent; CREATE EXTENSION IF NOT EXISTS pg_stat_statements`)
		require.NoError(t, err)
		require.NoError(t, s.Stop())
	}
	require.Len(t, notes, 2, "one download, one creation")
	require.Equal(t, []string{filepath.Base(buildIn(dir)), "lock", "password", "postgres", "postgres.log"}, names(t, dir))
}

// The proxy that nobody serves stands for a machine without a network.
func TestStart_NothingInstalledAndNoNetwork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	h := exec.Command(os.Args[0])
	h.Env = append(os.Environ(), helperDir+"="+dir, helperDir+"_BARE=1", "HTTPS_PROXY=http://127.0.0.1:1")
	out, err := h.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "no usable PostgreSQL is installed")
	require.Contains(t, string(out), "apt-get install postgresql")
	require.Equal(t, []string{"lock"}, names(t, dir))
}

func TestDownload_CancelledLeavesNoBuild(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	c, err := newCluster(Options{Dir: dir})
	require.NoError(t, err)
	_, err = c.download(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NoDirExists(t, buildIn(c.dir))
}
