package main

import (
	"context"
	"os"

	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"chelal/internal/config"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// composition is compose.yaml as docker compose reads it, in the profile frontend too.
func composition(t *testing.T) *types.Project {
	t.Helper()
	file := filepath.Join(testkit.Repository(t), "compose.yaml")
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: filepath.Dir(file), ConfigFiles: []types.ConfigFile{{Filename: file}}, Environment: types.Mapping{"FRONTEND_IMAGE": "front:1"},
	}, func(o *loader.Options) { o.Profiles = []string{"frontend"} })
	require.NoError(t, err)
	return project
}

func TestCompositionIsCarefulWithItsContainers(t *testing.T) {
	t.Parallel()
	project := composition(t)
	require.ElementsMatch(t, []string{"postgres", "redis", "migrate", "api1", "api2", "worker", "nginx", "mailpit", "backup", "frontend"}, project.ServiceNames())
	for name, s := range project.Services {
		if name == "frontend" {
			continue // the hospital's own
		}
		require.NotNil(t, s.Deploy, name)
		require.Positive(t, s.Deploy.Resources.Limits.MemoryBytes, name)
		require.False(t, s.Privileged, name)
		if name == "postgres" {
			continue // drops its privileges by itself
		}
		require.True(t, s.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.NotEqual(t, "root", s.User, name)
	}
	require.Equal(t, project.Services["api1"].Command, project.Services["api2"].Command)
	for _, port := range project.Services["mailpit"].Ports {
		require.Equal(t, "127.0.0.1", port.HostIP, "mails are for nobody else")
	}
	require.Empty(t, project.Services["postgres"].Ports)
	require.Empty(t, project.Services["redis"].Ports)
}

// TestCompositionsSettingsAreUnderstood reads the environment of the containers as they do, with
// the secrets in files.
func TestCompositionsSettingsAreUnderstood(t *testing.T) {
	t.Parallel()
	secrets := t.TempDir()
	for name, content := range map[string]string{"secret_key": "Zk3-vT9wQ1mB7xN5cR2pL8sD6fH4gJ0y\n", "db_password": "p/ss w:rd\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(secrets, name), []byte(content), 0o600))
	}
	for _, name := range []string{"api1", "worker", "migrate"} {
		environment := composition(t).Services[name].Environment
		cfg, err := config.Load(func(variable string) string {
			if value := environment[variable]; value != nil {
				return strings.Replace(*value, "/run/secrets", secrets, 1)
			}
			return ""
		}, filepath.Join(secrets, "none"))
		require.NoError(t, err, name)
		require.NoError(t, cfg.ForServing())
		require.False(t, cfg.Debug)
		require.Equal(t, "postgres://chelal:p%2Fss%20w%3Ard@postgres:5432/chelal", string(cfg.DatabaseURL))
		require.NotEmpty(t, cfg.TrustedProxies)
	}
}

// TestCompositionsBackup makes the backup that the composition makes every day, with its own
// arguments, and brings it back.
func TestCompositionsBackup(t *testing.T) {
	t.Parallel()
	testkit.Program(t, "pg_dump", "--version") // fails where it has to be there
	service := composition(t).Services["backup"]
	require.Contains(t, []string(service.Command), "--keep")
	folder := t.TempDir()
	old := filepath.Join(folder, "chelal-20200101T000000Z")
	require.NoError(t, os.Mkdir(old, 0o700))
	vars := map[string]string{"DATABASE_URL": testkit.URL(t), "SECRET_KEY": liveKey, "MEDIA_ROOT": t.TempDir()}
	h := newHospital(t, vars["DATABASE_URL"])
	chelal := func(ctx context.Context, args ...string) (int, string) {
		out := newWatched()
		code := run(ctx, args, func(name string) string { return vars[name] }, strings.NewReader(""), out, out)
		return code, out.String()
	}

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan string)
	go func() {
		_, said := chelal(ctx, append([]string{"backup", "--to", folder}, service.Command...)...)
		done <- said
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(old); return os.IsNotExist(err) }, time.Minute, 20*time.Millisecond, "the old one goes when there is a newer one")
	stop()
	said := <-done
	made, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.Len(t, made, 1, "%s", said)

	code, said := chelal(t.Context(), "restore", "--verify", made[0])
	require.Zero(t, code, said)
	require.Contains(t, said, "Every table is as it was saved")
	vars["DATABASE_URL"] = testkit.EmptyURL(t)
	code, said = chelal(t.Context(), "restore", made[0])
	require.Zero(t, code, said)
	restored, err := pg.Open(t.Context(), vars["DATABASE_URL"])
	require.NoError(t, err)
	defer restored.Close()
	var name string
	require.NoError(t, restored.QueryRow(t.Context(), "SELECT last_name FROM core_patient WHERE id = $1", h.patient).Scan(&name))
	require.NotEmpty(t, name)
	code, said = chelal(t.Context(), "restore", made[0])
	require.Equal(t, 1, code)
	require.Contains(t, said, "empty one")
}
