package app_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"chelal/internal/app"
	"chelal/internal/config"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// configure returns what a server on the database at url needs.
func configure(t *testing.T, url string) config.Config {
	t.Helper()
	vars := map[string]string{"DATABASE_URL": url, "SECRET_KEY": "Zk3-vT9wQ1mB7xN5cR2pL8sD6fH4gJ0y"}
	cfg, err := config.Load(func(name string) string { return vars[name] }, "no such file")
	require.NoError(t, err)
	return cfg
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := app.Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

// start runs the program until stop is called, which returns what Run returned.
func start(t *testing.T, cfg config.Config, o app.Options) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	o.Log, o.Now, o.Ready = slog.New(slog.DiscardHandler), time.Now, func() { close(ready) }
	go func() { done <- app.Run(ctx, cfg, o) }()
	select {
	case <-ready:
	case err := <-done:
		cancel()
		require.NoError(t, err)
	}
	return func() error {
		cancel()
		return <-done
	}
}

func TestRunServesUntilItsContextEndsAndLeavesNothingBehind(t *testing.T) {
	url := testkit.URL(t)
	before := goleak.IgnoreCurrent()
	ln := listen(t)
	stop := start(t, configure(t, url), app.Options{Listener: ln, Workers: true})

	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + ln.Addr().String() + "/api/health/")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	require.NoError(t, stop())
	goleak.VerifyNone(t, before)
	_, err = net.DialTimeout("tcp", ln.Addr().String(), time.Second)
	require.Error(t, err)
}

func TestRequestsUnderWayAreAnsweredAfterTheEnd(t *testing.T) {
	ln := listen(t)
	stop := start(t, configure(t, testkit.URL(t)), app.Options{Listener: ln})
	conn, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	body := `{"username": "nobody", "password": "wrong"}`
	_, err = fmt.Fprintf(conn, "POST /api/auth/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	require.NoError(t, err)
	answer := bufio.NewReader(conn)
	line, err := answer.ReadString('\n') // sent once the request is being worked on
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue")
	_, err = answer.ReadString('\n')
	require.NoError(t, err)

	done := make(chan error, 1)
	go func() { done <- stop() }()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 5*time.Second, 10*time.Millisecond)
	_, err = io.WriteString(conn, body)
	require.NoError(t, err)
	response, err := http.ReadResponse(answer, nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	require.NoError(t, <-done)
}

// TestKeptConnectionsAreGivenUpFirst sends changes over connections that are kept, as a proxy does,
// while the server stops: none meets the end of its connection, after which nobody would know
// whether it was carried out.
func TestKeptConnectionsAreGivenUpFirst(t *testing.T) {
	ln := listen(t)
	stop := start(t, configure(t, testkit.URL(t)), app.Options{Listener: ln})
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var answered atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for {
				response, err := client.Post("http://"+ln.Addr().String()+"/api/nothing/", "application/json", io.LimitReader(strings.NewReader("{}"), 2))
				if err != nil {
					if !errors.Is(err, syscall.ECONNREFUSED) {
						t.Error(err)
					}
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				answered.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool { return answered.Load() > 1_000 }, time.Minute, time.Millisecond)
	require.NoError(t, stop())
	all.Wait()
}

func TestWorkersRunWithoutTheAPI(t *testing.T) {
	stop := start(t, configure(t, testkit.URL(t)), app.Options{Workers: true})
	require.NoError(t, stop())
}

func TestRunRefuses(t *testing.T) {
	empty := testkit.EmptyURL(t)
	behind := testkit.EmptyURL(t)
	require.NoError(t, pg.MigrateUp(t.Context(), behind))
	require.NoError(t, pg.MigrateDown(t.Context(), behind, 1))
	keyless := configure(t, testkit.URL(t))
	keyless.SecretKey = ""
	for name, test := range map[string]struct {
		cfg   config.Config
		words string
	}{
		"a database without a schema":   {configure(t, empty), "run chelal migrate up"},
		"an older schema":               {configure(t, behind), "run chelal migrate up"},
		"a database that is not there":  {configure(t, strings.Replace(empty, "127.0.0.1", "127.0.0.9", 1)), "does not answer"},
		"to serve without a SECRET_KEY": {keyless, "SECRET_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			err := app.Run(t.Context(), test.cfg, app.Options{Listener: listen(t), Log: slog.New(slog.DiscardHandler), Now: time.Now})
			require.ErrorContains(t, err, test.words)
		})
	}
}

func TestListenNamesTheAddressThatIsTaken(t *testing.T) {
	ln := listen(t)
	defer ln.Close()
	_, err := app.Listen(t.Context(), ln.Addr().String())
	require.EqualError(t, err, "another program already uses "+ln.Addr().String()+
		"; stop it, or choose another address with --listen")
	_, err = app.Listen(t.Context(), "203.0.113.1:80")
	require.ErrorContains(t, err, "--listen")
}
