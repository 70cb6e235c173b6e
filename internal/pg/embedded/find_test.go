package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// fakeBuild makes an initdb that prints output and the extensions of its share
// folder. The account has to reach it.
func fakeBuild(t *testing.T, output string, extensions ...string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(root), 0o755))
	bin, share := filepath.Join(root, "bin"), filepath.Join(root, "share", "extension")
	require.NoError(t, os.MkdirAll(bin, 0o755))
	require.NoError(t, os.MkdirAll(share, 0o755))
	for _, name := range extensions {
		require.NoError(t, os.WriteFile(filepath.Join(share, name+".control"), nil, 0o600))
	}
	script := fmt.Sprintf("#!/bin/sh\n%s\necho share_path=%s\n", output, filepath.Dir(share))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "initdb"), []byte(script), 0o755))
	return bin
}

func TestFind_PassesOverWhatWillNotDo(t *testing.T) {
	t.Parallel()
	full := []string{"pg_trgm", "btree_gist", "unaccent"}
	cases := map[string]struct {
		bin  string
		want string
	}{
		"too old":        {fakeBuild(t, "echo VERSION=14.9", full...), "is version 14, and 15 is the oldest"},
		"no extension":   {fakeBuild(t, "echo VERSION=16.1", "pg_trgm", "btree_gist"), "lacks the extension unaccent"},
		"does not run":   {fakeBuild(t, "echo initdb: error: no postgres beside it >&2; exit 1", full...), "no postgres beside it"},
		"says nothing":   {fakeBuild(t, ":", full...), "does not tell its version"},
		"is not there":   {filepath.Join(t.TempDir(), "gone"), "does not run"},
		"other major":    {fakeBuild(t, "echo VERSION=16.1", full...), "is version 16"},
		"not a program":  {fakeBuild(t, "kill -9 $$", full...), "does not run"},
		"development 14": {fakeBuild(t, "echo VERSION=14devel", full...), "is version 14"},
	}
	account := unprivileged("")
	fit := fakeBuild(t, "echo 'VERSION=17beta2 (Debian)'", append(full, "pg_stat_statements")...)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := find(t.Context(), account, []string{c.bin}, 17)
			require.ErrorContains(t, err, c.want)
			b, err := find(t.Context(), account, []string{c.bin, fit}, 17)
			require.NoError(t, err)
			require.Equal(t, build{bin: fit, major: 17, statements: true}, b)
		})
	}
}

func TestFindBinaries(t *testing.T) {
	t.Parallel()
	dir, version, err := FindBinaries()
	if err != nil {
		t.Skip(err) // this machine lives on the download
	}
	require.FileExists(t, filepath.Join(dir, "postgres"))
	require.GreaterOrEqual(t, version, oldest)
}

func TestCandidates_HighestVersionFirst(t *testing.T) {
	t.Parallel()
	require.Equal(t, 17, lastNumber("/opt/homebrew/opt/postgresql@17/bin"))
	require.Equal(t, 9, lastNumber("/usr/lib/postgresql/9/bin"))
	require.Equal(t, 0, lastNumber("/usr/local/pgsql/bin"))
}

func TestStart_DataOfAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "postgres")
	require.NoError(t, os.MkdirAll(data, 0o700))
	_, err := Start(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "is not a PostgreSQL data directory")

	require.NoError(t, os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("9.6\n"), 0o600))
	_, err = Start(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "is damaged")

	require.NoError(t, os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("14\n"), 0o600))
	_, err = Start(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "was made by PostgreSQL 14")
	require.ErrorContains(t, err, "--reset")
}
