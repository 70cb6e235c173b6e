package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"chelal/internal/config"
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

// TestCompositionsBackup makes the backup that the composition makes every day, and restores
// it.
func TestCompositionsBackup(t *testing.T) {
	t.Parallel()
	database := testkit.URL(t)
	h := newHospital(t, database)
	folder := t.TempDir()
	old := filepath.Join(folder, "chelal-20200101T000000Z.dump")
	require.NoError(t, os.WriteFile(old, nil, 0o600))
	longAgo := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, os.Chtimes(old, longAgo, longAgo))
	cmd := h.postgres("bash", "deploy/backup.sh")
	cmd.Env = append(cmd.Env, "PASSWORD_FILE="+h.passwordFile(), "BACKUP_FOLDER="+folder, "BACKUP_ONCE=yes")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	dumps, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.Len(t, dumps, 1, "the old one is deleted, and nothing half-made is left")

	_, err = h.pool.Exec(t.Context(), "CREATE SCHEMA lost; ALTER TABLE core_patient SET SCHEMA lost")
	require.NoError(t, err)
	restore := h.postgres("pg_restore", "--no-owner", "--schema=public", "--table=core_patient", "--dbname", database, dumps[0])
	output, err = restore.CombinedOutput()
	require.NoError(t, err, "%s", output)
	var n int
	require.NoError(t, h.pool.QueryRow(t.Context(), "SELECT count(*) FROM public.core_patient p JOIN lost.core_patient l USING (id, version, last_name)").Scan(&n))
	require.Equal(t, 1, n)

	cmd = h.postgres("bash", "deploy/backup.sh")
	cmd.Env = append(cmd.Env, "PASSWORD_FILE="+h.passwordFile(), "BACKUP_FOLDER="+folder, "BACKUP_ONCE=yes", "PGDATABASE=nothing")
	require.Error(t, cmd.Run())
	after, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.Equal(t, dumps, after)
}

// postgres prepares a program of PostgreSQL that finds the hospital's database.
func (h *hospital) postgres(name string, args ...string) *exec.Cmd {
	h.t.Helper()
	at := h.pool.Config().ConnConfig
	cmd := testkit.Program(h.t, name, args...)
	cmd.Env = append(cmd.Env, "PGHOST="+at.Host, fmt.Sprintf("PGPORT=%d", at.Port), "PGUSER="+at.User, "PGDATABASE="+at.Database)
	return cmd
}

func (h *hospital) passwordFile() string {
	h.t.Helper()
	file := filepath.Join(h.t.TempDir(), "password")
	require.NoError(h.t, os.WriteFile(file, []byte(h.pool.Config().ConnConfig.Password), 0o600))
	return file
}
