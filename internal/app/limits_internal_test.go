package app

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/config"
	"chelal/internal/media"
	"chelal/internal/metrics"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// TestSlowAndLargeRequests holds that nobody occupies the server with a request that does
// not end, in its header or its body, nor with a header that is too large.
func TestSlowAndLargeRequests(t *testing.T) {
	for _, limit := range []time.Duration{usual.header, usual.request, usual.answer, usual.idle} {
		require.Positive(t, limit)
		require.LessOrEqual(t, limit, 2*time.Minute)
	}
	url := testkit.URL(t)
	vars := map[string]string{"DATABASE_URL": url, "SECRET_KEY": "Zk3-vT9wQ1mB7xN5cR2pL8sD6fH4gJ0y"}
	cfg, err := config.Load(func(name string) string { return vars[name] }, "no such file")
	require.NoError(t, err)
	pool, err := pg.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	log := slog.New(slog.DiscardHandler)
	api, err := newServer(t.Context(), cfg, pool, nil, media.Folder(t.TempDir()), live{}, metrics.New("test", pool, func() int { return 0 }), Options{Log: log, Now: time.Now})
	require.NoError(t, err)
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	srv := httpServer(api, log, patience{header: 200 * time.Millisecond, request: 400 * time.Millisecond, answer: usual.answer, idle: usual.idle})
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	send := func(text string) *bufio.Reader {
		conn, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
		_, err = io.WriteString(conn, text)
		require.NoError(t, err)
		return bufio.NewReader(conn)
	}

	_, err = send("GET /api/health/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").ReadByte()
	require.ErrorIs(t, err, io.EOF, "a header that does not end")

	answer, err := http.ReadResponse(send("POST /api/auth/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: 1000\r\n\r\n{\"username\": \"slow"), nil)
	require.NoError(t, err)
	var problem struct{ Code string }
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&problem))
	require.Equal(t, "body_broken_off", problem.Code, "a body that does not end")

	answer, err = http.ReadResponse(send("GET /api/health/ HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("x", 80<<10)+"\r\n\r\n"), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, answer.StatusCode)
}

// TestBothVersionsOfHTTP speaks HTTP/1.1 and, without TLS, HTTP/2 as a proxy may.
func TestBothVersionsOfHTTP(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := httpServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), slog.New(slog.DiscardHandler), usual)
	go func() { _ = srv.Serve(ln) }() // ends with the test
	t.Cleanup(func() { _ = srv.Close() })
	for _, version := range []int{1, 2} {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(version == 1)
		protocols.SetUnencryptedHTTP2(version == 2)
		transport := &http.Transport{Protocols: protocols}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ln.Addr().String(), nil)
		require.NoError(t, err)
		answer, err := transport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, version, answer.ProtoMajor)
		transport.CloseIdleConnections()
	}
}
