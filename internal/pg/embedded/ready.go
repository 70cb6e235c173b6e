package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var errExited = errors.New("the server ended")

// ready returns when the server has said in its pid file that it is ready and has
// accepted a connection.
func (s *Server) ready(ctx context.Context) error {
	for {
		p, err := s.cluster.readPidFile()
		if err == nil && p.ready && p.pid == s.server.pid {
			err = s.ping(ctx)
			if err == nil || refused(err) {
				return err
			}
		}
		if !pause(ctx, s.exited) {
			return fmt.Errorf("PostgreSQL was not ready in time: %w", context.Cause(ctx))
		}
		select {
		case <-s.exited:
			return errExited
		default:
		}
	}
}

// ping connects with the password, which no other server accepts.
func (s *Server) ping(ctx context.Context) error {
	config, err := pgx.ParseConfig(s.URL("postgres"))
	if err != nil {
		return errors.Join(errRefused, err)
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "28P01" {
		return fmt.Errorf("%w: the password in %s is not the cluster's", errRefused, s.cluster.path("password"))
	}
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// errRefused marks a ping that will not succeed later either.
var errRefused = errors.New("the cluster cannot be used")

func refused(err error) bool { return errors.Is(err, errRefused) }

// pause waits a moment, or until exited is closed. It returns false when ctx is over.
func pause(ctx context.Context, exited <-chan struct{}) bool {
	moment := time.NewTimer(10 * time.Millisecond)
	defer moment.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-exited:
	case <-moment.C:
	}
	return ctx.Err() == nil
}
