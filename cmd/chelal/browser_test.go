package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestLivePage watches the live page in a browser while another user works.
func TestLivePage(t *testing.T) {
	t.Parallel()
	browse(t, "live-page.mjs", startDev(t, nil))
}

// TestDocumentation signs in at the API reference, tries an operation, and opens every page.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	browse(t, "docs-pages.mjs", startDev(t, nil))
}

// browse runs a script of .ci/tools in which a browser opens pages of the server. Its pictures
// are kept in the folder that CHELAL_TEST_PICTURES names.
func browse(t *testing.T, script, address string) {
	t.Helper()
	pictures := os.Getenv("CHELAL_TEST_PICTURES")
	if pictures == "" {
		pictures = t.TempDir()
	}
	cmd := testkit.Program(t, "node", filepath.Join(testkit.Repository(t), ".ci", "tools", script), "http://"+address, pictures)
	cmd.Env = append(cmd.Env, "CHROMIUM="+browser(t))
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

// browser is the path of Chromium, or of a browser made of it.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return testkit.Program(t, "chromium").Path
}
