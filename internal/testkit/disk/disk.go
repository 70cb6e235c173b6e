// Package disk gives a test a file system of its own that is soon full. It stands apart from
// testkit, which the tests of PostgreSQL's embedding cannot import.
package disk

import (
	"os"
	"testing"
)

// Small mounts a file system of a size, such as 8m, in memory and returns its folder. Only root on
// Linux can: elsewhere the test is skipped, and where CHELAL_TEST_PROGRAMS is required, it fails.
func Small(t testing.TB, size string) string { return mounted(t, "size="+size) }

// ReadOnly mounts an empty file system that nobody can write to, root neither, where [Small] can.
func ReadOnly(t testing.TB) string { return mounted(t, "ro") }

func mounted(t testing.TB, options string) string {
	t.Helper()
	dir := t.TempDir()
	unmount, err := mount(dir, options)
	switch {
	case err != nil && os.Getenv("CHELAL_TEST_PROGRAMS") == "required":
		t.Fatal("a file system of its own is needed, which only root on Linux can mount: ", err)
	case err != nil:
		t.Skip("only root on Linux can mount a file system: ", err)
	}
	t.Cleanup(func() {
		if err := unmount(); err != nil {
			t.Error(err)
		}
	})
	return dir
}
