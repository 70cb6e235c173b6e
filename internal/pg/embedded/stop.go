package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long a shutdown may take before the next, harsher one. A fast
// shutdown writes everything to the disk, which after a bulk load is much.
const patience = time.Minute

// terminate shuts a server down and returns when it is gone. exited is closed at
// the end of a child, and nil for a server that another process started. The fast
// shutdown comes first. A disk that hangs must not hold the terminal for ever, so
// an immediate one follows; it loses nothing that was committed either.
func (c *cluster) terminate(pid int, exited <-chan struct{}) error {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if !c.runs(pid, exited) {
			return nil
		}
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("PostgreSQL (process %d) cannot be stopped: %w", pid, err)
		}
		if c.awaitEnd(pid, exited) {
			return nil
		}
	}
	return fmt.Errorf("PostgreSQL (process %d) does not stop; the end of %s may tell why", pid, c.path("postgres.log"))
}

func (c *cluster) awaitEnd(pid int, exited <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for c.runs(pid, exited) {
		if !pause(ctx, exited) {
			return false
		}
	}
	return true
}

// runs reports whether the server still runs.
func (c *cluster) runs(pid int, exited <-chan struct{}) bool {
	if exited != nil {
		select {
		case <-exited:
			return false
		default:
			return true
		}
	}
	return c.isPostmaster(pid)
}

// Remove deletes the cluster in dir: the data, the password and the log. It first
// stops a server that a killed owner left running, and refuses while a living
// process owns the cluster. A downloaded build, the lock file, and whatever else is in
// the folder stay.
func Remove(dir string) error {
	c, err := newCluster(Options{Dir: dir})
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return c.explain(c.remove())
}

func (c *cluster) remove() error {
	l, err := openLock(c.path("lock"))
	if err != nil {
		return err
	}
	taken, err := l.take()
	if err != nil {
		return errors.Join(err, l.close())
	}
	if !taken {
		return errors.Join(fmt.Errorf("the cluster in %s is in use by process %d; stop that one first", c.dir, l.holder()), l.close())
	}
	return errors.Join(c.empty(), l.release())
}

func (c *cluster) empty() error {
	if p, err := c.readPidFile(); err == nil && c.isPostmaster(p.pid) {
		if err := c.terminate(p.pid, nil); err != nil {
			return err
		}
	}
	// Renamed first, so that a kill in between leaves no half of a data directory.
	err := os.Rename(c.data, c.path("removed-"+time.Now().Format("20060102150405.000000000")))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	c.sweep()
	for _, name := range []string{"password", "postgres.log"} {
		if err := os.Remove(c.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweep deletes what an interrupted creation, download or removal has left. What
// resists, perhaps since an initdb of a killed process is still ending, is left to
// the next time.
func (c *cluster) sweep() {
	for _, pattern := range []string{"initdb-*", "download-*", "removed-*"} {
		leftovers, _ := filepath.Glob(c.path(pattern))
		for _, path := range leftovers {
			_ = os.RemoveAll(path)
		}
	}
}
