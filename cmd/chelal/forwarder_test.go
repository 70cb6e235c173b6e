package main

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// forwarder is a fixed address for a server whose own changes.
type forwarder struct {
	listener net.Listener
	late     atomic.Int64 // how long what comes back is held up, in nanoseconds
	mu       sync.Mutex
	target   string
}

func newForwarder(t *testing.T) *forwarder {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() }) // ends it
	f := &forwarder{listener: ln}
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			go f.forward(in)
		}
	}()
	return f
}

func (f *forwarder) forward(in net.Conn) {
	f.mu.Lock()
	target := f.target
	f.mu.Unlock()
	out, err := net.Dial("tcp", target)
	if err != nil {
		_ = in.Close() // as nobody would listen
		return
	}
	for _, pair := range [][2]io.ReadWriter{{in, lateReader{out, &f.late}}, {out, in}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1]) // ends when either does
			_, _ = in.Close(), out.Close()
		}()
	}
}

// lateReader holds up what it reads.
type lateReader struct {
	net.Conn
	by *atomic.Int64
}

func (r lateReader) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	time.Sleep(time.Duration(r.by.Load()))
	return n, err
}

// lead sets where to, by the address of a cluster or a Redis.
func (f *forwarder) lead(database string) {
	u, err := url.Parse(database)
	if err == nil {
		f.mu.Lock()
		f.target = u.Host
		f.mu.Unlock()
	}
}

// reach answers a database's address through here.
func (f *forwarder) reach(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return ""
	}
	u.Host = f.listener.Addr().String()
	return u.String()
}
