// Package embedded runs a private PostgreSQL cluster for `chelal dev` and for
// tests: found on the machine or downloaded, created on first use, reachable on
// 127.0.0.1 alone. It works on Linux and macOS, as root and as any other user.
//
// One process owns a cluster and stops it; others on the same folder join it.
// An owner may be killed at any moment: what was committed stays, and the next
// process takes over the server that was left running, or starts it again.
package embedded

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"sync"
)

// superuser is the cluster's one role. It may create extensions and databases.
const superuser = "chelal"

// Options say where the cluster lives and how it is run.
type Options struct {
	// Dir holds everything: the data (postgres), the log (postgres.log), the
	// password, the lock and, where one was needed, the downloaded build (bin-…).
	// It is made when it does not exist.
	Dir string
	// Builds keeps a downloaded build for several clusters; Dir keeps it when empty.
	Builds string
	// Unsafe gives up durability for speed: a crash of the server may lose the last
	// commits, one of the machine everything. It is for test clusters that are thrown away.
	Unsafe bool
	// Env are variables of PostgreSQL's environment, of which it has only PATH otherwise.
	Env []string
	// Note receives sentences for the person who waits; it may be nil.
	Note func(string)
}

// Server is a running cluster that accepts connections.
type Server struct {
	cluster  *cluster
	server   postmaster
	password string
	lock     *lock           // nil when joined
	exited   <-chan struct{} // closed when our child is gone; nil when joined or adopted

	stop    sync.Once
	stopErr error
}

// Start returns when the cluster in o.Dir accepts connections. It finds or
// downloads PostgreSQL, creates the cluster where there is none, and takes over
// a server that a killed owner left behind. Where another process owns the
// cluster it waits for it and joins; such a Server lives as long as its owner.
// ctx limits the start alone. Errors are sentences for the person at the terminal.
func Start(ctx context.Context, o Options) (*Server, error) {
	c, err := newCluster(o)
	if err != nil {
		return nil, err
	}
	s, err := c.start(ctx)
	return s, c.explain(err)
}

// URL returns the address of a database of this cluster, which the caller has to
// create unless it is "postgres". It contains the password.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.server.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Joined reports whether another process owns the cluster.
func (s *Server) Joined() bool { return s.lock == nil }

// Pid returns the process id of the PostgreSQL server.
func (s *Server) Pid() int { return s.server.pid }

// Stop shuts the server down, rolling back what is open, and returns when it is
// gone. It does nothing on a joined Server, on a second call, and when the
// server has ended by itself.
func (s *Server) Stop() error {
	if s.Joined() {
		return nil
	}
	s.stop.Do(func() {
		err := s.cluster.terminate(s.server.pid, s.exited)
		s.stopErr = errors.Join(err, s.lock.release())
	})
	return s.stopErr
}
