package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOperatorsCommands is an operator's first day on an empty cluster.
func TestOperatorsCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	do := func(want int, vars map[string]string, stdin string, line ...string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := chelal(t, vars, stdin, append(line, "--data", dir)...)
		require.Equal(t, want, code, "%s\n%s", stdout, stderr)
		return stdout, stderr
	}
	admin := []string{"createadmin", "--username", "jane", "--email", "jane@hospital.example", "--password-stdin"}

	_, stderr := do(1, nil, "a good long password\n", admin...)
	require.Contains(t, stderr, "run chelal migrate up")
	do(1, nil, "", "serve")
	stdout, _ := do(0, nil, "", "migrate", "up")
	require.Contains(t, stdout, "it was at 0")
	do(0, nil, "", "migrate", "status")

	_, stderr = do(1, nil, "12345678\n", admin...)
	require.Contains(t, stderr, "the password will not do")
	do(0, nil, "a good long password\n", admin...)
	_, stderr = do(1, nil, "a good long password\n", admin...)
	require.Equal(t, "chelal: A user with that username already exists. Nothing was changed\n", stderr)
	var audited int
	query(t, dir, &audited, "SELECT count(*) FROM core_auditlog WHERE action = 'create' AND object_type = 'user'")
	require.Equal(t, 1, audited)

	stdout, _ = do(0, nil, "", "audit", "seal")
	require.Regexp(t, `^Rows sealed: 1; seals made: 1\.\n1:[0-9a-f]{64}\n$`, stdout)
	head := strings.Fields(stdout)[6]
	stdout, _ = do(0, nil, "", "audit", "verify", "--head", head)
	require.Equal(t, "The audit log is intact. Rows verified: 1; seals: 1; rows not sealed yet: 0.\n"+head+"\n", stdout)
	_, stderr = do(1, nil, "", "audit", "verify", "--head", "2"+head[1:])
	require.Equal(t, "chelal: the audit log is broken: seal 2, which was noted, is gone\n", stderr)
	_, stderr = do(1, map[string]string{"SECRET_KEY": strings.Repeat("another key ", 5)}, "", "audit", "verify")
	require.Contains(t, stderr, "the audit log is broken: Seal 1, the newest, is not signed")
	_, stderr = do(1, map[string]string{"SECRET_KEY": strings.Repeat("another key ", 5)}, "", "audit", "seal")
	require.Contains(t, stderr, "--accept-head (the newest seal is "+head+")")

	_, stderr = do(1, map[string]string{"DEBUG": "false"}, "", "seed", "--patients", "10")
	require.Contains(t, stderr, "DEBUG is off")
	stdout, _ = do(0, map[string]string{"DEBUG": "false"}, "", "seed", "--patients", "10", "--appointments", "12", "--force")
	require.Regexp(t, `^Added 10 patients, 3 doctors and 12 appointments, and of these \d+ encounters, \d+ prescriptions, \d+ bills and \d+ payments\.\n$`, stdout)

	_, stderr = do(1, nil, "", "migrate", "down", "--steps", "99")
	require.Contains(t, stderr, "--all takes everything back")
	do(1, nil, "", "migrate", "down", "--all")
	do(0, nil, "", "migrate", "down", "--steps", "1")
	do(1, nil, "", "migrate", "status")
	do(0, nil, "", "migrate", "down", "--all", "--yes")
	stdout, _ = do(0, nil, "", "migrate", "down", "--all", "--yes")
	require.Equal(t, "There is no migration to take back.\n", stdout)
	do(0, nil, "", "migrate", "up")
}

func TestImportPatients(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	code, _, stderr := chelal(t, nil, "", "migrate", "up", "--data", dir)
	require.Zero(t, code, stderr)
	const header = "first_name,last_name,date_of_birth,gender\n"
	good := filepath.Join(t.TempDir(), "good.csv")
	require.NoError(t, os.WriteFile(good, []byte(header+"Jane,Smith,1990-01-15,F\nJoão,Silva,1985-05-05,M\n"), 0o600))
	count := func() (n int) {
		query(t, dir, &n, "SELECT count(*) FROM core_patient")
		return n
	}

	code, stdout, stderr := chelal(t, nil, header+strings.Repeat("Jane,Smith,1990-13-15,X\n", 60), "import", "patients", "-", "--data", dir)
	require.Equal(t, 1, code)
	require.Equal(t, 2*shownLines+1, strings.Count(stdout, "\n"), stdout)
	require.Contains(t, stdout, "line 2, date_of_birth: ")
	require.Contains(t, stdout, "... and 10 wrong lines more\n")
	require.Contains(t, stderr, "chelal: 60 lines are not valid, so nothing was written.")
	require.Zero(t, count())

	code, stdout, stderr = chelal(t, nil, "", "import", "patients", good, "--dry-run", "--data", dir)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "2 would be created")
	require.Zero(t, count())

	code, stdout, stderr = chelal(t, nil, "", "import", "patients", good, "--data", dir)
	require.Zero(t, code, stderr)
	require.Equal(t, "2 patients in the file: 2 created, 0 imported before and left as they are.\n", stdout)
	code, stdout, stderr = chelal(t, nil, "", "import", "patients", good, "--data", dir)
	require.Zero(t, code, stderr)
	require.Equal(t, "2 patients in the file: 0 created, 2 imported before and left as they are.\n", stdout)
	require.Equal(t, 2, count())
}
