package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// cluster is a folder and what has to be known to work in it.
type cluster struct {
	dir     string // absolute
	builds  string // where a downloaded build is kept, absolute
	data    string // PostgreSQL's data directory
	unsafe  bool
	env     []string
	note    func(string)
	account *account // nil: the caller's own user
}

func newCluster(o Options) (*cluster, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	builds, err := filepath.Abs(cmp.Or(o.Builds, dir))
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, builds: builds, data: filepath.Join(dir, "postgres"), unsafe: o.Unsafe, env: o.Env, note: o.Note}
	if c.note == nil {
		c.note = func(string) {}
	}
	c.account = unprivileged(c.data)
	return c, nil
}

func (c *cluster) path(name string) string { return filepath.Join(c.dir, name) }

// start takes the lock or joins its holder, whichever comes first: a holder that
// fails, or stops, leaves the lock to those who wait.
func (c *cluster) start(ctx context.Context) (*Server, error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	l, err := openLock(c.path("lock"))
	if err != nil {
		return nil, err
	}
	for {
		taken, err := l.take()
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		if taken {
			return c.own(ctx, l)
		}
		if s, err := c.join(ctx); s != nil || err != nil {
			return s, errors.Join(err, l.close())
		}
		if !pause(ctx, nil) {
			return nil, errors.Join(fmt.Errorf("the cluster in %s is owned by process %d, whose PostgreSQL does not answer: %w",
				c.dir, l.holder(), context.Cause(ctx)), l.close())
		}
	}
}

// own brings the server up under a lock just taken, and lets go of it on failure.
func (c *cluster) own(ctx context.Context, l *lock) (*Server, error) {
	s, err := c.bringUp(ctx)
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	s.lock = l
	return s, nil
}

// attempts bounds how long a start waits for the backends of a killed server.
const attempts = 300

// bringUp takes over a server or starts one, as often as the failure is one that passes.
func (c *cluster) bringUp(ctx context.Context) (*Server, error) {
	c.sweep()
	for n := 1; ; n++ {
		s, err := c.adopt(ctx)
		if s == nil && err == nil {
			s, err = c.startServer(ctx)
		}
		if err == nil || n == attempts || !errors.Is(err, errAgain) {
			return s, err
		}
		if !pause(ctx, nil) {
			return nil, fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		}
	}
}

func (c *cluster) startServer(ctx context.Context) (*Server, error) {
	b, err := c.build(ctx)
	if err != nil {
		return nil, err
	}
	password, err := c.ensure(ctx, b)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return c.launch(ctx, b, password, port)
}
