package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/checkup"
)

func TestCheckNamesEverythingAtOnce(t *testing.T) {
	vars := map[string]string{"DEBUG": "false", "SECRET_KEY": "hunter2", "TRUSTED_PROXIES": "0.0.0.0/0",
		"DATABASE_URL": "postgres://u:hunter2@127.0.0.1:1/hospital"}
	code, stdout, stderr := chelal(t, vars, "", "check", "--json")
	require.Equal(t, 1, code)
	require.Regexp(t, `^chelal: this deployment is not safe: 3 of \d+ findings are dangerous\n$`, stderr)
	require.NotContains(t, stdout, "hunter2")
	var report checkup.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	require.Equal(t, checkup.Danger, report.Level)
	var subjects []string
	for _, f := range report.Findings {
		if f.Level == checkup.Danger {
			subjects = append(subjects, f.Subject)
		}
	}
	require.Equal(t, []string{"SECRET_KEY", "TRUSTED_PROXIES", "database"}, subjects)

	code, stdout, _ = chelal(t, vars, "", "check")
	require.Equal(t, 1, code)
	require.Regexp(t, `(?m)^danger +SECRET_KEY +must have at least 32 characters`, stdout)
	require.Regexp(t, `(?m)^ +-> Correct it`, stdout)
	require.Regexp(t, `\n3 dangers, \d+ warnings, \d+ in order\.\n$`, stdout)
}

func TestCheckOfAnEmbeddedDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	vars := map[string]string{"DEBUG": "false"}
	code, stdout, _ := chelal(t, vars, "", "check", "--data", dir)
	require.Equal(t, 1, code)
	require.Regexp(t, `(?m)^danger +migrations +the database's schema is at version 0 .*run chelal migrate up\.$`, stdout)

	code, _, stderr := chelal(t, vars, "", "migrate", "up", "--data", dir)
	require.Zero(t, code, stderr)
	code, stdout, stderr = chelal(t, vars, "", "check", "--data", dir)
	require.Zero(t, code, stderr+stdout)
	require.Regexp(t, `(?m)^warning +Admins +there is none`, stdout)
	require.Regexp(t, `(?m)^ok +migrations +`, stdout)

	code, _, stderr = chelal(t, vars, "a good long password\n", "createadmin", "--username", "admin", "--email", "a@hospital.example",
		"--password-stdin", "--data", dir)
	require.Zero(t, code, stderr)
	code, stdout, _ = chelal(t, vars, "", "check", "--data", dir)
	require.Zero(t, code)
	require.Regexp(t, `(?m)^warning +Admins +there is only one`, stdout)
	require.Regexp(t, `(?m)^ok +demo accounts +`, stdout)
}
