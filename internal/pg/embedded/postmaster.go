package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// postmaster is what a server writes about itself into postmaster.pid.
type postmaster struct {
	pid, port int
	ready     bool
}

// readPidFile reads postmaster.pid: the process id in the first line, the port in
// the fourth and the state in the eighth, which is written last. The file may
// describe a server that is long dead.
func (c *cluster) readPidFile() (postmaster, error) {
	text, err := os.ReadFile(c.pidFile())
	if err != nil {
		return postmaster{}, err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 {
		return postmaster{}, errors.New("postmaster.pid is being written")
	}
	pid, pidErr := strconv.Atoi(lines[0])
	port, portErr := strconv.Atoi(lines[3])
	ready := len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
	return postmaster{pid: pid, port: port, ready: ready}, errors.Join(pidErr, portErr)
}

func (c *cluster) pidFile() string { return filepath.Join(c.data, "postmaster.pid") }

// isPostmaster reports whether a process is the server of this data directory. The
// process id alone proves nothing: after a reboot anybody may have it. A zombie is
// no server; in a container without an init nobody reaps it.
func (c *cluster) isPostmaster(pid int) bool {
	if !alive(pid) {
		return false
	}
	data, err := filepath.EvalSymlinks(c.data)
	if err != nil {
		return false
	}
	if runtime.GOOS == "linux" {
		// A server works in its data directory, by whichever path it was given.
		cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		return err == nil && cwd == data
	}
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), "postgres") && strings.Contains(string(out), c.data)
}

func alive(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
