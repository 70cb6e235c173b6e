package checkup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
	"chelal/internal/checkup"
	"chelal/internal/config"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const key = "Zk3-vT9wQ1mB7xN5cR2pL8sD6fH4gJ0y"

// level returns how bad the findings on a subject are.
func level(t *testing.T, findings []checkup.Finding, subject string) checkup.Level {
	t.Helper()
	for _, f := range checkup.NewReport(findings).Findings {
		if f.Subject == subject {
			require.Equal(t, f.Level == checkup.OK, f.Advice == "", "%+v", f)
			require.NotEmpty(t, f.Found)
			return f.Level
		}
	}
	require.Fail(t, "nothing was found on "+subject)
	return ""
}

func safe(t *testing.T, vars map[string]string) config.Config {
	t.Helper()
	all := map[string]string{"DEBUG": "false", "SECRET_KEY": key, "ALLOWED_HOSTS": "hospital.example",
		"DATABASE_URL": "postgres://u:p@db.hospital.example/h?sslmode=verify-full", "CORS_ALLOWED_ORIGINS": "https://desk.hospital.example",
		"EMAIL_URL": "smtp://mail.hospital.example", "EMAIL_FROM": "desk@hospital.example"}
	for name, value := range vars {
		all[name] = value
	}
	cfg, err := config.Load(func(name string) string { return all[name] }, filepath.Join(t.TempDir(), "none"))
	require.NoError(t, err)
	return cfg
}

func TestASafeConfigurationIsSafe(t *testing.T) {
	t.Parallel()
	for _, f := range checkup.Settings(safe(t, nil)) {
		require.Equal(t, checkup.OK, f.Level, "%+v", f)
		require.NotContains(t, f.Found, key)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	open, closed := t.TempDir(), t.TempDir()
	require.NoError(t, os.Chmod(open, 0o755))
	require.NoError(t, os.Chmod(closed, 0o750))
	for _, test := range []struct {
		name, value, subject string
		level                checkup.Level
	}{
		{"DEBUG", "true", "DEBUG", checkup.Danger},
		{"SECRET_KEY_OLD", key, "SECRET_KEY_OLD", checkup.Warning},
		{"ALLOWED_HOSTS", "*", "ALLOWED_HOSTS", checkup.Warning},
		{"ALLOWED_HOSTS", " ", "ALLOWED_HOSTS", checkup.Warning},
		{"CORS_ALLOWED_ORIGINS", "http://desk.hospital.example", "CORS_ALLOWED_ORIGINS", checkup.Warning},
		{"CORS_ALLOWED_ORIGINS", "http://localhost:3000", "CORS_ALLOWED_ORIGINS", checkup.Warning},
		{"LISTEN_ADDR", "0.0.0.0:8000", "LISTEN_ADDR", checkup.Warning},
		{"LISTEN_ADDR", ":8000", "LISTEN_ADDR", checkup.Warning},
		{"TRUSTED_PROXIES", "8.0.0.0/8", "TRUSTED_PROXIES", checkup.Warning},
		{"TRUSTED_PROXIES", "10.0.0.0/8", "TRUSTED_PROXIES", checkup.OK},
		{"STRICT_BODIES", "false", "STRICT_BODIES", checkup.Warning},
		{"ACCESS_TOKEN_LIFETIME", "48h", "ACCESS_TOKEN_LIFETIME", checkup.Warning},
		{"REFRESH_TOKEN_LIFETIME", "9000h", "REFRESH_TOKEN_LIFETIME", checkup.Warning},
		{"MAX_BODY_BYTES", "100000000", "MAX_BODY_BYTES", checkup.Warning},
		{"RATE_LIMIT_IP", "0", "RATE_LIMIT_IP, RATE_LIMIT_USER", checkup.Warning},
		{"MEDIA_URL", "s3://key:hunter2@s3.hospital.example/b?tls=false", "MEDIA_URL", checkup.Warning},
		{"MEDIA_URL", "s3://key:hunter2@127.0.0.1:9000/b?tls=false", "MEDIA_URL", checkup.OK},
		{"MEDIA_URL", "s3://key:hunter2@s3.hospital.example/b", "MEDIA_URL", checkup.OK},
		{"EMAIL_URL", "", "EMAIL_URL", checkup.Warning},
		{"EMAIL_URL", "smtp://mail.hospital.example?tls=none", "EMAIL_URL", checkup.Warning},
		{"EMAIL_URL", "smtp://127.0.0.1?tls=none", "EMAIL_URL", checkup.OK},
		{"MEDIA_ROOT", "checkup.go", "MEDIA_ROOT", checkup.Danger},
		{"MEDIA_ROOT", open, "MEDIA_ROOT", checkup.Warning},
		{"MEDIA_ROOT", closed, "MEDIA_ROOT", checkup.OK},
		{"DATABASE_URL", "postgres://db.hospital.example/h", "DATABASE_URL", checkup.Danger}, // libpq's default falls back
		{"DATABASE_URL", "postgres://203.0.113.5/h?sslmode=disable", "DATABASE_URL", checkup.Danger},
		{"DATABASE_URL", "postgres://10.0.0.5/h?sslmode=disable", "DATABASE_URL", checkup.Warning},
		{"DATABASE_URL", "postgres://db/h?sslmode=disable", "DATABASE_URL", checkup.Warning},
		{"DATABASE_URL", "postgres://db.hospital.example/h?sslmode=require", "DATABASE_URL", checkup.Warning},
		{"DATABASE_URL", "postgres://127.0.0.1/h", "DATABASE_URL", checkup.OK},
		{"DATABASE_URL", "postgres:///h?host=/var/run/postgresql", "DATABASE_URL", checkup.OK},
		{"DIRECT_DATABASE_URL", "postgres://db.hospital.example/h", "DIRECT_DATABASE_URL", checkup.Danger},
	} {
		require.Equal(t, test.level, level(t, checkup.Settings(safe(t, map[string]string{test.name: test.value})), test.subject), "%s=%s", test.name, test.value)
	}
}

// TestWhatTheServerRefuses holds that check names what config.Load refuses, and what it
// would let pass while developing.
func TestWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"DEBUG": "false", "SECRET_KEY": "short", "TRUSTED_PROXIES": "0.0.0.0/0", "CORS_ALLOWED_ORIGINS": "*"}
	_, err := config.Load(func(name string) string { return vars[name] }, "none")
	for _, name := range []string{"SECRET_KEY", "TRUSTED_PROXIES", "CORS_ALLOWED_ORIGINS"} {
		require.Equal(t, checkup.Danger, level(t, checkup.Problems(err), name))
	}
	developing := safe(t, map[string]string{"DEBUG": "true", "SECRET_KEY": "django-insecure-" + key, "TRUSTED_PROXIES": "::/0"})
	for _, name := range []string{"DEBUG", "SECRET_KEY", "TRUSTED_PROXIES"} {
		require.Equal(t, checkup.Danger, level(t, checkup.Settings(developing), name))
	}
	require.Empty(t, checkup.Problems(nil))
}

func TestEnvFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), ".env")
	require.Empty(t, checkup.EnvFile(path))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.Equal(t, checkup.OK, level(t, checkup.EnvFile(path), path))
	require.NoError(t, os.Chmod(path, 0o644))
	require.Equal(t, checkup.Danger, level(t, checkup.EnvFile(path), path))
}

func TestState(t *testing.T) {
	t.Parallel()
	conn := testkit.Tx(t)
	ctx := t.Context()
	do := func(sql string, args ...any) {
		t.Helper()
		_, err := conn.Exec(ctx, sql, args...)
		require.NoError(t, err)
	}
	demo := checkup.Known{Usernames: []string{"admin", "nurse"}, Password: "everybody knows"}
	look := func(subject string) checkup.Level {
		t.Helper()
		return level(t, checkup.State(ctx, conn, time.Now, demo), subject)
	}

	require.Equal(t, checkup.Warning, look("Admins"), "there is none")
	require.Equal(t, checkup.Warning, look("background jobs"), "nobody works them")
	require.Equal(t, checkup.OK, look("audit log"))
	require.Equal(t, checkup.OK, look("database version"))
	require.Equal(t, checkup.OK, look("failed jobs"))
	require.Equal(t, checkup.OK, look("demo accounts"))
	require.Contains(t, []checkup.Level{checkup.OK, checkup.Warning}, look("database role"))
	require.Contains(t, []checkup.Level{checkup.OK, checkup.Warning}, look("disk"))

	first, second := testkit.User(t, conn, "Admin"), testkit.User(t, conn, "Admin")
	require.Equal(t, checkup.OK, look("Admins"))
	require.Equal(t, checkup.Warning, look("two-factor"))
	do("UPDATE core_user SET two_factor_enabled = true, two_factor_secret = 'x' WHERE id IN ($1, $2)", first.ID, second.ID)
	require.Equal(t, checkup.OK, look("two-factor"))

	hash, err := authn.NewHasher(1).Hash(ctx, demo.Password)
	require.NoError(t, err)
	do("UPDATE core_user SET username = 'nurse', password = $2 WHERE id = $1", testkit.User(t, conn, "Nurse").ID, hash)
	require.Equal(t, checkup.Danger, look("demo accounts"))
	do("UPDATE core_user SET is_active = false WHERE username = 'nurse'")
	require.Equal(t, checkup.OK, look("demo accounts"))

	do("INSERT INTO river.river_leader (elected_at, expires_at, leader_id) VALUES (now(), now() + interval '10 s', 'a')")
	require.Equal(t, checkup.OK, look("background jobs"))
	do("INSERT INTO river.river_job (kind, args, max_attempts, state, scheduled_at) VALUES ('a', '{}', 3, 'available', now() - interval '1 hour')")
	require.Equal(t, checkup.Warning, look("background jobs"))
	do("INSERT INTO river.river_job (kind, args, max_attempts, attempt, state, finalized_at) VALUES ('a', '{}', 3, 3, 'discarded', now())")
	require.Equal(t, checkup.Warning, look("failed jobs"))

	require.Equal(t, checkup.OK, look("audit seals"), "nothing was written")
	do("INSERT INTO core_auditlog (action, timestamp) VALUES ('create', now() - interval '20 minutes')")
	require.Equal(t, checkup.Warning, look("audit seals"))
	do("INSERT INTO core_auditseal (era, from_xid, to_xid, partition_name, row_count, sealed_at, content, hash, signature) " +
		"SELECT era, '0', (xid::text::bigint + 1)::text::xid8, 'x', 1, now(), '', '', '' FROM core_auditlog")
	require.Equal(t, checkup.OK, look("audit seals"))

	do("INSERT INTO core_auditlog (action, timestamp) VALUES ('create', '1999-01-01')")
	require.Equal(t, checkup.Warning, look("audit log"))
	do("ALTER TABLE core_auditlog DISABLE TRIGGER core_auditlog_append_only")
	require.Equal(t, checkup.Danger, look("audit log"))

	for apart, want := range map[time.Duration]checkup.Level{0: checkup.OK, 10 * time.Second: checkup.Warning, -time.Hour: checkup.Danger} {
		wrong := func() time.Time { return time.Now().Add(apart) }
		require.Equal(t, want, level(t, checkup.State(ctx, conn, wrong, demo), "clock"))
	}
}

func TestReportIsSortedByDanger(t *testing.T) {
	t.Parallel()
	r := checkup.NewReport([]checkup.Finding{{checkup.OK, "b", "", ""}, {checkup.Danger, "c", "", ""}, {checkup.Danger, "a", "", ""}, {checkup.Warning, "d", "", ""}})
	var order strings.Builder
	for _, f := range r.Findings {
		order.WriteString(f.Subject)
	}
	require.Equal(t, "acdb", order.String())
	require.Equal(t, checkup.Danger, r.Level)
	require.Equal(t, 2, r.Count(checkup.Danger))
	require.Equal(t, checkup.OK, checkup.NewReport(nil).Level)
}
