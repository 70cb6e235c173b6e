package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// freeAddress is one of this machine where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// behindProxy are two instances of the API behind the real nginx, with the configuration of
// compose.yaml.
type behindProxy struct {
	t         *testing.T
	start     func(n int) *instance
	instances [2]*instance
	plain     string
	proxy     instance // https
	client    *http.Client
}

func newBehindProxy(t *testing.T) (*hospital, *behindProxy) {
	t.Helper()
	database, redis := testkit.URL(t), testkit.StartRedis(t)
	addresses := [2]string{freeAddress(t), freeAddress(t)}
	b := &behindProxy{t: t, plain: freeAddress(t)}
	b.start = func(n int) *instance {
		return serving(t, database, []string{"REDIS_URL=" + redis.URL(), "TRUSTED_PROXIES=127.0.0.1/32", "RATE_LIMIT_IP=0", "RATE_LIMIT_USER=0"},
			"serve", "--listen", addresses[n], "--workers=false")
	}
	h := newHospital(t, database)
	for n := range b.instances {
		b.instances[n] = b.start(n)
	}
	secure := freeAddress(t)
	b.proxy.url = "https://" + secure
	b.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: b.startNginx(addresses, secure)}, MaxIdleConnsPerHost: 64}}
	return h, b
}

// startNginx returns who vouches for its certificate.
func (b *behindProxy) startNginx(addresses [2]string, secure string) *x509.CertPool {
	t := b.t
	t.Helper()
	dir, err := os.MkdirTemp("", "chelal-nginx-") // its workers, who are nobody, must be able to enter
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	certificate, key, pool := certificateFor(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "certificate"), certificate, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key"), key, 0o600))
	text, err := os.ReadFile("deploy/nginx.conf")
	require.NoError(t, err)
	config := strings.NewReplacer("api1:8000", addresses[0], "api2:8000", addresses[1], "listen 8080", "listen "+b.plain, "listen 8443", "listen "+secure,
		"/run/secrets/tls_certificate", filepath.Join(dir, "certificate"), "/run/secrets/tls_key", filepath.Join(dir, "key"), "/tmp/", dir+"/",
		"127.0.0.11 valid", "127.0.0.1:9 valid").Replace(string(text))
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	cmd := testkit.Program(t, "nginx", "-c", file, "-g", "daemon off;")
	cmd = exec.Command(cmd.Path, cmd.Args[1:]...) // not ended by the test's context, but in order
	out := newWatched()
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", secure)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond, "%s", out)
	return pool
}

func certificateFor(t *testing.T) (certificate, key []byte, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	pool = x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(certificate))
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pool
}

func (b *behindProxy) get(path, token string) (status int, header http.Header, body string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.proxy.url+path, nil)
	require.NoError(b.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	return response.StatusCode, response.Header, string(content)
}

func TestBehindTheProxy(t *testing.T) {
	t.Parallel()
	h, b := newBehindProxy(t)

	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := plain.Get("http://" + b.plain + "/api/health/")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusPermanentRedirect, response.StatusCode)

	status, header, body := b.get("/api/users/me/", h.desk)
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, "max-age=31536000", header.Get("Strict-Transport-Security"), "the API knows that TLS was used")
	status, _, body = b.get("/api/patients/?page_size=1&cursor=", h.desk)
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, body, "http://", "links lead through TLS")
	for _, path := range []string{"/docs/", "/openapi.json", "/readyz"} {
		status, _, _ = b.get(path, "")
		require.Equal(t, http.StatusOK, status, path)
	}
	health := func() (code int, stderr string) {
		code, _, stderr = chelal(t, map[string]string{"LISTEN_ADDR": strings.TrimPrefix(b.instances[0].url, "http://"), "ALLOWED_HOSTS": "hospital.example"}, "", "health")
		return code, stderr
	}
	code, stderr := health()
	require.Zero(t, code, stderr)

	status, _, body = b.get("/", "")
	require.Equal(t, http.StatusOK, status, "without a front end the documentation is there")
	require.Contains(t, body, "CHELAL API")

	url := "wss" + strings.TrimPrefix(b.proxy.url, "https") + "/ws/appointments/"
	dialer := websocket.Dialer{Subprotocols: []string{"bearer", h.nurse}, TLSClientConfig: b.client.Transport.(*http.Transport).TLSClientConfig}
	conn, _, err := dialer.Dial(url, nil)
	require.NoError(t, err)
	defer conn.Close()
	f := &follower{t, conn, 0}
	require.Equal(t, "ready", f.next().Type)
	f.tells([]int64{h.book(b.instances[0]), h.book(b.instances[1])})

	b.instances[0].kill()
	code, stderr = health()
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "there is no answer at port")
	status, _, body = b.get("/api/users/me/", h.desk)
	require.Equal(t, http.StatusOK, status, body)
}

// TestRollingRestart restarts both instances, one after the other, while clients read and
// write through the proxy: none of them sees a failure, and every booking that was
// acknowledged is there once.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	h, b := newBehindProxy(t)
	stop := make(chan struct{})
	var asked, written atomic.Int64
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if worker > 1 {
					if status, _, body := b.get("/api/users/me/", h.desk); status != http.StatusOK {
						t.Errorf("read: %d %s", status, body)
					}
				} else if b.register(h.desk, fmt.Sprintf("restart-%d-%d", worker, n)) {
					written.Add(1)
				}
				asked.Add(1)
			}
		})
	}
	for n := range b.instances {
		before := asked.Load()
		require.NoError(t, b.instances[n].Process.Signal(syscall.SIGTERM))
		<-b.instances[n].exited
		b.instances[n] = b.start(n)
		require.Eventually(t, func() bool { return asked.Load() > before+200 }, time.Minute, 10*time.Millisecond)
	}
	close(stop)
	all.Wait()
	var kept int64
	require.NoError(t, h.pool.QueryRow(t.Context(), "SELECT count(*) FROM core_patient WHERE last_name LIKE 'restart-%'").Scan(&kept))
	require.Equal(t, written.Load(), kept)
	require.Positive(t, kept)
}

// register registers a patient under a key, as the clients do.
func (b *behindProxy) register(token, name string) bool {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.proxy.url+"/api/patients/",
		strings.NewReader(`{"first_name": "Jane", "last_name": "`+name+`", "date_of_birth": "1990-01-15", "gender": "F"}`))
	if err != nil {
		b.t.Error(err)
		return false
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", name)
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Error(err)
		return false
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		body, _ := io.ReadAll(response.Body)
		b.t.Errorf("write: %d %s", response.StatusCode, body)
	}
	return response.StatusCode == http.StatusCreated
}
