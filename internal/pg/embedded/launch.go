package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// launch starts the server and returns when it accepts connections.
func (c *cluster) launch(ctx context.Context, b build, password string, port int) (*Server, error) {
	log, offset, err := c.openLog()
	if err != nil {
		return nil, err
	}
	defer log.Close()
	path, files, err := c.account.handOver(c.data)
	if err != nil {
		return nil, err
	}
	defer closeAll(files)

	args := []string{"-D", path}
	for _, setting := range c.settings(b, port) {
		args = append(args, "-c", setting)
	}
	// Not ctx: it limits the start, and the server outlives it.
	cmd := c.account.command(context.Background(), filepath.Join(b.bin, "postgres"), args...)
	cmd.Env = append(cmd.Env, c.env...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, files
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("PostgreSQL could not be run: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is told by its log
		close(exited)
	}()

	s := &Server{cluster: c, server: postmaster{pid: cmd.Process.Pid, port: port}, password: password, exited: exited}
	err = s.ready(ctx)
	if errors.Is(err, errExited) {
		return nil, c.gaveUp("PostgreSQL", since(log.Name(), offset))
	}
	if err != nil {
		return nil, errors.Join(err, c.terminate(s.server.pid, exited))
	}
	return s, nil
}

// freePort returns a port that was free a moment ago. Somebody may take it first;
// bringUp then tries another.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no free port on 127.0.0.1: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// openLog opens the log for appending and tells its present length. A long log
// starts over: nobody else looks after this file.
func (c *cluster) openLog() (*os.File, int64, error) {
	const longest = 16 << 20
	f, err := os.OpenFile(c.path("postgres.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > longest {
		return f, 0, f.Truncate(0)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}
