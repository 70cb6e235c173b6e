package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Program is a command that runs a program which is not written in Go, as .ci/install
// installs it: one of .ci/tools, or of the machine. Where it is absent the test is skipped, or
// fails if CHELAL_TEST_PROGRAMS is "required", as it is in CI.
func Program(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	tools := filepath.Join(Repository(t), ".ci", "tools")
	ours := []string{filepath.Join(tools, "venv", "bin"), filepath.Join(tools, "node_modules", ".bin")}
	for _, folder := range append(append(ours, filepath.SplitList(os.Getenv("PATH"))...), "/usr/sbin") {
		path, err := exec.LookPath(filepath.Join(folder, name))
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(t.Context(), path, args...)
		// The programs of Node.js look for node there, which trusts whom the machine trusts.
		cmd.Env = append(os.Environ(), "PATH="+ours[0]+string(os.PathListSeparator)+os.Getenv("PATH"),
			"NODE_OPTIONS="+os.Getenv("NODE_OPTIONS")+" --use-system-ca")
		return cmd
	}
	if os.Getenv("CHELAL_TEST_PROGRAMS") == "required" {
		t.Fatalf("%s is not installed; the task tools installs it", name)
	}
	t.Skipf("%s is not installed; the task tools installs it", name)
	return nil
}

// Repository is the folder of the whole repository.
func Repository(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("the tests must be built without -trimpath: they read files of the repository")
	}
	return filepath.Join(filepath.Dir(file), "..", "..")
}
