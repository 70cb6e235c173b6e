package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsNotUnderstoodExitsWith2(t *testing.T) {
	for _, line := range []string{
		"bogus", "dev --bogus", "dev extra", "dev --patients -1", "serve extra", "migrate", "migrate sideways",
		"migrate down --all --yes --steps 2", "migrate down --steps 0", "createadmin --username jane",
		"createadmin --username jane/doe --email jane@example.org", "createadmin --username jane --email jane", "seed --patients -1",
		"createadmin --email jane@example.org --username " + strings.Repeat("é", 151),
		"import", "import doctors", "import patients", "import patients a b", "import patients a --format xml",
		"import patients - --allergies -", "audit", "audit forge", "audit verify extra", "audit verify --head 3", "audit verify --head x:y",
	} {
		code, stdout, stderr := chelal(t, nil, "", strings.Fields(line)...)
		require.Equal(t, 2, code, line)
		require.Empty(t, stdout, line)
		require.Regexp(t, `^chelal: [^\n]+\nSee chelal[a-z ]* --help\n$`, stderr, line)
	}
}

func TestWhatFailsIsOneSentenceAProblem(t *testing.T) {
	away := map[string]string{"DATABASE_URL": "postgres://u:hunter2@127.0.0.1:1/hospital", "SECRET_KEY": "Zk3-vT9wQ1mB7xN5cR2pL8sD6fH4gJ0y"}
	for line, test := range map[string]struct {
		vars      map[string]string
		sentences []string
	}{
		"serve":                   {map[string]string{"LOG_LEVEL": "loud"}, []string{"LOG_LEVEL must", "SECRET_KEY is not set"}},
		"worker":                  {away, []string{`the database "hospital" at 127.0.0.1:1 cannot be opened as user "u": connection refused`}},
		"worker --data=":          {map[string]string{"LOG_LEVEL": "loud"}, []string{"LOG_LEVEL must", "SECRET_KEY is not set"}},
		"migrate up":              {away, []string{`the database "hospital"`}},
		"migrate status":          {map[string]string{"DB_PORT": "x", "DEBUG": "maybe"}, []string{"DEBUG must", "DB_PORT must"}},
		"migrate down --all":      {away, []string{"--all removes every table"}},
		"import patients nowhere": {away, []string{"the file cannot be read"}},
		"dev --listen nonsense":   {nil, []string{"this machine cannot listen on nonsense"}},
	} {
		code, stdout, stderr := chelal(t, test.vars, "", strings.Fields(line)...)
		require.Equal(t, 1, code, line)
		require.Empty(t, stdout, line)
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		require.Len(t, lines, len(test.sentences), stderr)
		for i, sentence := range test.sentences {
			require.True(t, strings.HasPrefix(lines[i], "chelal: "+sentence), lines[i])
		}
		require.NotContains(t, stderr, "hunter2")
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	root := (&program{}).rootCommand()
	for _, cmd := range root.Commands() {
		require.NotEmpty(t, cmd.Short, cmd.Name())
		code, help, _ := chelal(t, nil, "", cmd.Name(), "--help")
		require.Zero(t, code)
		require.Contains(t, help, "Usage:")
		if cmd.HasLocalFlags() && cmd.Name() != "worker" {
			require.NotEmpty(t, cmd.Example, cmd.Name())
		}
	}
}

func TestRoutesNamesPermissions(t *testing.T) {
	code, stdout, stderr := chelal(t, nil, "", "routes")
	require.Zero(t, code, stderr)
	require.Regexp(t, `(?m)^POST +/api/patients/ +staff +Register a patient$`, stdout)
	require.Regexp(t, `(?m)^GET +/api/health/ +public +`, stdout)
}

func TestVersion(t *testing.T) {
	code, stdout, _ := chelal(t, nil, "", "version")
	require.Zero(t, code)
	require.Contains(t, stdout, "chelal ")
}
