package embedded

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

func TestStart_ColdThenWarm(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "on demand")
	var notes []string
	s, err := Start(t.Context(), Options{Dir: dir, Note: func(n string) { notes = append(notes, n) }})
	require.NoError(t, err)
	defer s.Stop()
	require.False(t, s.Joined())
	require.Len(t, notes, 1)

	conn := connect(t, s.URL("postgres"))
	require.Equal(t, "on", show(t, conn, "fsync"))
	require.Equal(t, "on", show(t, conn, "data_checksums"))
	require.Equal(t, "UTF8", show(t, conn, "server_encoding"))
	require.Equal(t, "127.0.0.1", show(t, conn, "listen_addresses"))
	require.Empty(t, show(t, conn, "unix_socket_directories"))
	_, err = conn.Exec(t.Context(), "CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gist; CREATE EXTENSION unaccent")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "CREATE DATABASE hospital")
	require.NoError(t, err)
	_, err = connect(t, s.URL("hospital")).Exec(t.Context(), "CREATE TABLE patient AS SELECT 'Zoë' AS name")
	require.NoError(t, err)

	require.NoError(t, s.Stop())
	require.NoError(t, s.Stop(), "a second Stop does nothing")
	require.False(t, alive(s.Pid()))

	again := start(t, dir)
	var name string
	require.NoError(t, connect(t, again.URL("hospital")).QueryRow(t.Context(), "SELECT name FROM patient WHERE lower(name) = 'zoë'").Scan(&name))
	require.Equal(t, "Zoë", name)
}

func TestStart_FolderTheAccountMayEnter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // as made, it is closed to all but us
	s := start(t, dir)
	require.Equal(t, s.cluster.data, show(t, connect(t, s.URL("postgres")), "data_directory"))
}

func TestStart_UnsafeIsForThrowawayClusters(t *testing.T) {
	t.Parallel()
	conn := connect(t, start(t, t.TempDir()).URL("postgres"))
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		require.Equal(t, "off", show(t, conn, setting), setting)
	}
}

func TestURL_NeedsThePassword(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	u, err := url.Parse(s.URL("postgres"))
	require.NoError(t, err)
	u.User = url.UserPassword(superuser, "guessed")
	_, err = pgx.Connect(t.Context(), u.String())
	var refusal *pgconn.PgError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "28P01", refusal.Code)

	info, err := os.Stat(s.cluster.path("password"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// Ctrl-C at a terminal signals the whole process group.
func TestStart_ServerHasItsOwnProcessGroup(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	group, err := syscall.Getpgid(s.Pid())
	require.NoError(t, err)
	require.NotEqual(t, syscall.Getpgrp(), group)
}

func TestStart_IgnoresTheCallersPostgresEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"PGDATA": "/nonexistent", "PGPORT": "1", "PGHOST": "example.invalid", "PGUSER": "somebody", "PGPASSWORD": "wrong",
		"PGDATABASE": "other", "PGSSLMODE": "verify-full", "PGOPTIONS": "-c default_transaction_read_only=on",
	} {
		t.Setenv(name, value)
	}
	s := start(t, t.TempDir())
	environ, err := os.ReadFile("/proc/" + itoa(s.Pid()) + "/environ")
	if err != nil {
		t.Skip("this system does not show a process's environment")
	}
	require.NotContains(t, string(environ), "PGOPTIONS=")
	require.NotContains(t, string(environ), "PGPASSWORD=")
}

func TestStart_CancelledLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	// The first note comes right before initdb.
	_, err := Start(ctx, Options{Dir: dir, Unsafe: true, Note: func(string) { cancel() }})
	require.ErrorIs(t, err, context.Canceled)
	require.NoDirExists(t, filepath.Join(dir, "postgres"))
	require.Empty(t, processesIn(dir))
	require.False(t, start(t, dir).Joined(), "the lock must be free again")
}

// Both pass: another port is tried, and the server found running is taken over.
func TestLaunch_PortOrDataTakenMeanwhile(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	c, err := newCluster(Options{Dir: t.TempDir(), Unsafe: true})
	require.NoError(t, err)
	b, err := c.build(t.Context())
	require.NoError(t, err)
	password, err := c.ensure(t.Context(), b)
	require.NoError(t, err)
	_, err = c.launch(t.Context(), b, password, s.server.port)
	require.ErrorIs(t, err, errAgain)

	port, err := freePort()
	require.NoError(t, err)
	_, err = s.cluster.launch(t.Context(), b, s.password, port)
	require.ErrorIs(t, err, errAgain)
	require.NoError(t, connect(t, s.URL("postgres")).Ping(t.Context()))
}
