package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// join connects to the server of the process that holds the lock. It returns nil
// while that server cannot be used yet.
func (c *cluster) join(ctx context.Context) (*Server, error) {
	p, pidErr := c.readPidFile()
	password, passwordErr := c.readPassword()
	if err := errors.Join(pidErr, passwordErr); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		return nil, nil
	}
	s := &Server{cluster: c, server: p, password: password}
	// A file left by a dead server may name a port that another one uses now, so a
	// refusal is no verdict.
	if !p.ready || s.ping(ctx) != nil {
		return nil, nil
	}
	c.note("PostgreSQL already runs for another process; sharing it")
	return s, nil
}

// adopt takes over the server that a killed owner left running. It returns nil
// where there is none.
func (c *cluster) adopt(ctx context.Context) (*Server, error) {
	for tries := 0; ; tries++ {
		p, err := c.readPidFile()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		if err != nil && tries < 50 && pause(ctx, nil) {
			continue // its owner was killed as it started, and it is about to write the file
		}
		if !c.isPostmaster(p.pid) {
			return nil, c.disown(p.pid)
		}
		if s, err := c.takeOver(ctx, p); s != nil || refused(err) {
			return s, err
		}
		if !pause(ctx, nil) {
			return nil, fmt.Errorf("a killed process left PostgreSQL running (process %d), and it does not answer: %w", p.pid, context.Cause(ctx))
		}
	}
}

func (c *cluster) takeOver(ctx context.Context, p postmaster) (*Server, error) {
	password, err := c.readPassword()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	s := &Server{cluster: c, server: p, password: password}
	if err := s.ping(ctx); err != nil {
		return nil, err
	}
	c.note("Taking over the PostgreSQL that a killed process left running")
	return s, nil
}

// disown corrects a pid file whose process id now belongs to another process,
// since PostgreSQL would refuse to start while that one lives. The file names
// this process instead, which PostgreSQL, as its child, recognizes as stale.
// Removing the file would be wrong: it also leads PostgreSQL to the shared memory
// by which it notices backends of the killed server that still write.
// Only an empty file, as a power cut may leave, is of no use to it and in its way.
func (c *cluster) disown(pid int) error {
	text, err := os.ReadFile(c.pidFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the server was just ending
	}
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return os.Remove(c.pidFile())
	}
	if !alive(pid) {
		return nil
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	if err := writeWhole(c.pidFile(), strconv.Itoa(os.Getpid())+"\n"+rest); err != nil {
		return err
	}
	return c.account.give(c.pidFile())
}
