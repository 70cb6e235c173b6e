package embedded

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit/disk"
)

func TestGaveUp(t *testing.T) {
	t.Parallel()
	c := &cluster{dir: "/srv/chelal"}
	for name, x := range map[string]struct{ output, want string }{
		"cut short": {"2026-01-02 03:04:05.678 UTC [12] FATAL:  could not extend file \"base/1/2691\": wrote only 4096 of 8192 bytes at block 5\n" +
			"2026-01-02 03:04:05.678 UTC [12] HINT:  Check free disk space.\n",
			`the disk that holds /srv/chelal is full; free some space and start again: could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 5`},
		"disk": {"2026-01-02 03:04:05.678 UTC [12] PANIC:  could not write to file \"pg_wal/xlogtemp.12\": No space left on device\n",
			`the disk that holds /srv/chelal is full; free some space and start again: could not write to file "pg_wal/xlogtemp.12": No space left on device`},
		"quota": {"initdb: error: could not create directory: Disk quota exceeded\n",
			"the disk that holds /srv/chelal is full; free some space and start again: could not create directory: Disk quota exceeded"},
		"last complaint": {"2026-01-02 03:04:05.678 UTC [12] LOG:  starting\n2026-01-02 03:04:05.679 UTC [12] FATAL:  data directory is bad\n" +
			"2026-01-02 03:04:05.680 UTC [12] LOG:  database system is shut down\n",
			"PostgreSQL failed: data directory is bad"},
		"no complaint": {"one\ntwo\n\n", "PostgreSQL failed: two"},
		"silence":      {"", "PostgreSQL ended without a word; its log is /srv/chelal/postgres.log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, c.gaveUp("PostgreSQL", x.output), x.want)
		})
	}
	require.ErrorIs(t, c.gaveUp("PostgreSQL", "LOG:  could not bind IPv4 address: Address already in use\n"), errAgain)
}

func TestExplain(t *testing.T) {
	t.Parallel()
	c := &cluster{dir: "/srv/chelal"}
	full := &fs.PathError{Op: "write", Path: "/srv/chelal/password", Err: syscall.ENOSPC}
	require.ErrorContains(t, c.explain(full), "the disk that holds /srv/chelal is full")
	closed := &fs.PathError{Op: "mkdir", Path: "/srv/chelal", Err: syscall.EACCES}
	require.ErrorContains(t, c.explain(closed), "this user may not use /srv/chelal")
	require.ErrorContains(t, c.explain(syscall.EROFS), "--data")
	other := errors.New("other")
	require.Equal(t, other, c.explain(other))
	require.NoError(t, c.explain(nil))
}

func TestStart_DiskTooSmallForACluster(t *testing.T) {
	t.Parallel()
	dir := disk.Small(t, "8m")
	_, err := Start(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "the disk that holds "+dir+" is full")
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.NotContains(t, left, filepath.Join(dir, "postgres"))
}

func TestStart_DiskFullAtASecondStart(t *testing.T) {
	t.Parallel()
	dir := disk.Small(t, "80m")
	s := start(t, dir)
	require.NoError(t, s.Stop())

	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	_, err := Start(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "the disk that holds "+dir+" is full")

	require.NoError(t, os.Remove(filler))
	start(t, dir)
}

func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for chunk := bytes.Repeat([]byte{1}, 1<<20); ; {
		if _, err = f.Write(chunk); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
}

func TestStart_NoPermission(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		dir = disk.ReadOnly(t) // nothing else stops root
	} else {
		require.NoError(t, os.Chmod(dir, 0o500))
	}
	_, err := Start(t.Context(), Options{Dir: filepath.Join(dir, "cluster")})
	require.ErrorContains(t, err, "this user may not use "+dir)
}
