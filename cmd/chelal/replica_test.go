package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
	"chelal/internal/pg"
	"chelal/internal/pg/embedded"
	"chelal/internal/testkit"
)

// TestReadsThatMayLagGoToTheReplica holds a real streaming replica up, and sees it in the figures
// that may lag and in nothing else; cuts it off, and the primary answers; and it is used again.
func TestReadsThatMayLagGoToTheReplica(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, embedded.Options{Dir: filepath.Join(t.TempDir(), "primary")})
	pool, err := pg.Open(t.Context(), f.cluster.URL("chelal"))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	tokens, err := authn.NewTokens([]byte(liveKey), nil, time.Hour, time.Now)
	require.NoError(t, err)
	admin := testkit.User(t, pool, "Admin")
	token, _, err := tokens.Issue(admin.ID, testkit.Session(t, pool, admin.ID))
	require.NoError(t, err)

	folder := replicate(t, f)
	replica, err := embedded.Start(t.Context(), embedded.Options{Dir: folder})
	require.NoError(t, err)
	t.Cleanup(func() { _ = replica.Stop() }) // it may be stopped
	there := newForwarder(t)
	there.lead(replica.URL(""))
	f.server.kill()
	f.startServer("READ_DATABASE_URL="+there.reach(replica.URL("chelal")), "READ_MAX_LAG=1h")

	ask := func(path string, into any) (status int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.address+path, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.NoError(t, json.NewDecoder(answer.Body).Decode(into))
		return answer.StatusCode
	}
	get := func(path string, into any) {
		t.Helper()
		require.Equal(t, http.StatusOK, ask(path, into), path)
	}
	count := func() (status int, patients int64) {
		var report struct {
			Count int64 `json:"patient_count"`
		}
		status = ask("/api/report/patient_count/", &report)
		return status, report.Count
	}
	counted := func() int64 {
		t.Helper()
		status, patients := count()
		require.Equal(t, http.StatusOK, status)
		return patients
	}
	listed := func() int64 {
		t.Helper()
		var page struct{ Count int64 }
		get("/api/patients/", &page)
		return page.Count
	}
	standby, err := pgx.Connect(t.Context(), replica.URL("chelal"))
	require.NoError(t, err)
	before := listed()
	require.Eventually(t, func() bool { return counted() == before }, time.Minute, 20*time.Millisecond)

	_, err = standby.Exec(t.Context(), "SELECT pg_wal_replay_pause()")
	require.NoError(t, err)
	testkit.Patient(t, pool, nil)
	require.Equal(t, before+1, listed(), "what may not lag is the primary's")
	require.Equal(t, before, counted(), "the replica has not heard of it")
	for _, path := range []string{"/api/dashboard-stats/", "/api/audit-logs/", "/api/report/appointments_today/", "/api/report/appointments_by_doctor/",
		"/api/report/top_prescribed_medications/", "/api/report/billing-stats/", "/api/report/revenue/"} {
		var anything any
		get(path, &anything)
	}
	_, err = standby.Exec(t.Context(), "SELECT pg_wal_replay_resume()")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return counted() == before+1 }, time.Minute, 20*time.Millisecond)
	require.NoError(t, standby.Close(t.Context()))

	require.NoError(t, syscall.Kill(replica.Pid(), syscall.SIGKILL))
	testkit.Patient(t, pool, nil)
	require.Eventually(t, func() bool {
		status, count := count()
		return status == http.StatusOK && count == before+2 // until the server has seen that it is gone it answers 503
	}, time.Minute, 20*time.Millisecond, "the primary answers")

	require.NoError(t, replica.Stop()) // lets go of the folder
	replica, err = embedded.Start(t.Context(), embedded.Options{Dir: folder})
	require.NoError(t, err)
	there.lead(replica.URL(""))
	standby, err = pgx.Connect(t.Context(), replica.URL("chelal"))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		var used bool
		require.NoError(t, standby.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%pg_last_wal_receive_lsn%')").Scan(&used))
		return used && counted() == before+2
	}, time.Minute, 20*time.Millisecond, "it is used again")
	require.NoError(t, standby.Close(t.Context()))
}

// replicate makes a folder with a copy of the cluster that follows it.
func replicate(t *testing.T, f *faulty) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(f.between.reach(f.cluster.URL("postgres")))
	require.NoError(t, err)
	folder := filepath.Join(t.TempDir(), "replica")
	require.NoError(t, os.Mkdir(folder, 0o711))
	cmd := testkit.Program(t, "pg_basebackup", "--pgdata", filepath.Join(folder, "postgres"), "--write-recovery-conf", "--wal-method=stream",
		"--checkpoint=fast", "--host", cfg.Host, "--port", portOf(cfg), "--username", cfg.User)
	cmd.Env = append(cmd.Env, "PGPASSWORD="+cfg.Password)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	password, err := os.ReadFile(filepath.Join(f.options.Dir, "password"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "password"), password, 0o600))
	// The data is the account's that PostgreSQL runs as.
	owner, err := os.Stat(filepath.Join(f.options.Dir, "postgres"))
	require.NoError(t, err)
	stat := owner.Sys().(*syscall.Stat_t)
	require.NoError(t, filepath.WalkDir(filepath.Join(folder, "postgres"), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(stat.Uid), int(stat.Gid))
	}))
	return folder
}

func portOf(cfg *pgx.ConnConfig) string { return strconv.Itoa(int(cfg.Port)) }
