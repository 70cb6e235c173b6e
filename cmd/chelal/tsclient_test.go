package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestTypeScriptClient installs the package into a project of its own, as its users do,
// and runs its tests, its README and its example there, against `chelal dev`.
func TestTypeScriptClient(t *testing.T) {
	source, project := filepath.Join(testkit.Repository(t), "gen", "ts"), t.TempDir()
	in := func(folder, name string, args ...string) string {
		t.Helper()
		cmd := testkit.Program(t, name, args...)
		cmd.Dir = folder
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s %s\n%s", name, strings.Join(args, " "), output)
		return string(output)
	}
	read := func(file string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(source, filepath.FromSlash(file)))
		require.NoError(t, err)
		return string(text)
	}
	write := func(file, text string) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(project, file), []byte(text), 0o600))
	}
	in(source, "npm", "run", "--silent", "check")
	in(source, "npm", "pack", "--silent", "--pack-destination", project)
	packages, err := filepath.Glob(filepath.Join(project, "chelal-client-*.tgz"))
	require.NoError(t, err)
	require.Len(t, packages, 1)
	write("package.json", `{"type": "module", "private": true}`)
	in(project, "npm", "install", "--silent", "--prefer-offline", "--no-audit", "--no-fund", packages[0])

	blocks := func(language string) string {
		var code []string
		for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(read("README.md"), -1) {
			code = append(code, match[1])
		}
		require.NotEmpty(t, code)
		return strings.Join(code, "")
	}
	write("tsconfig.json", `{"extends": "`+filepath.ToSlash(source)+`/examples/tsconfig.json",
		"compilerOptions": {"noEmit": false, "rootDir": "."}, "include": ["*.ts"]}`)
	write("client.test.ts", read("test/client.test.ts"))
	write("reception.ts", read("examples/reception.ts"))

	address := startDev(t, map[string]string{"ACCESS_TOKEN_LIFETIME": "2s"})
	write("readme.ts", strings.ReplaceAll(blocks("ts"), "127.0.0.1:8000", address))
	in(source, "npm", "exec", "--", "tsc", "--project", project)
	t.Setenv("CHELAL_URL", "http://"+address)
	in(project, "node", "--test", "client.test.js")
	in(project, "node", "readme.js")
	said := in(project, "node", "reception.js", "http://"+address)
	require.Equal(t, blocks("text"), said)
}
