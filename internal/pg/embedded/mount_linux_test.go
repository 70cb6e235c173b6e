package embedded

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// mount puts a file system in memory on dir: of a size, or read-only.
func mount(t *testing.T, dir, option string) {
	t.Helper()
	flags, data := uintptr(0), option
	if option == "ro" {
		flags, data = syscall.MS_RDONLY, ""
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, data); err != nil {
		t.Skip("no file system can be mounted here:", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
}
