package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"chelal/internal/pg/embedded"
)

const password = "a password of the benchmark"

// hospital is a database of its own with people in it, the server on it, and the bare one.
type hospital struct {
	folder   string
	program  string
	cluster  *embedded.Server
	patients int
	product  string // where the server is
	bare     string
	token    string
	started  time.Duration // how long the server took to start
	idle     float64       // MB that it holds then
	bills    []int64       // of which much is still to be paid
	server   *exec.Cmd
	stop     []func()
}

func open(ctx context.Context, patients int) (h *hospital, err error) {
	h = &hospital{patients: patients}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.folder, err = os.MkdirTemp("", "chelal-bench-"); err != nil {
		return h, err
	}
	h.stop = append(h.stop, func() { _ = os.RemoveAll(h.folder) })
	h.program = filepath.Join(h.folder, "chelal")
	if err := h.run(ctx, "", "go", "build", "-o", h.program, "chelal/cmd/chelal"); err != nil {
		return h, err
	}
	if h.cluster, err = embedded.Start(ctx, embedded.Options{Dir: filepath.Join(h.folder, "data")}); err != nil {
		return h, err
	}
	h.stop = append(h.stop, func() { _ = h.cluster.Stop() })
	if err := h.run(ctx, "", "psql", h.cluster.URL("postgres"), "-qc", "CREATE DATABASE bench"); err != nil {
		return h, err
	}
	fmt.Fprintf(os.Stderr, "seeding %d patients\n", patients)
	for _, args := range [][]string{
		{"migrate", "up"}, {"seed", "--force", "--patients", strconv.Itoa(patients)},
		{"createadmin", "--username", "bench", "--email", "bench@example.org", "--password-stdin"},
	} {
		if err := h.run(ctx, password+"\n", h.program, args...); err != nil {
			return h, err
		}
	}
	if err := h.run(ctx, "", "psql", h.cluster.URL("bench"), "-qc", "VACUUM ANALYZE"); err != nil {
		return h, err
	}
	return h, h.serve(ctx)
}

// environment is that of the processes.
func (h *hospital) environment() []string {
	url := ""
	if h.cluster != nil {
		url = h.cluster.URL("bench")
	}
	return append(os.Environ(), "DATABASE_URL="+url, "SECRET_KEY=only-for-a-benchmark-on-a-throw-away-database", "DEBUG=false", "RATE_LIMIT_IP=0", "RATE_LIMIT_USER=0")
}

func (h *hospital) run(ctx context.Context, stdin, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdin = h.environment(), strings.NewReader(stdin)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, output)
	}
	return nil
}

func (h *hospital) serve(ctx context.Context) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if _, h.bare, err = h.start(ctx, self, "bare"); err != nil {
		return err
	}
	began := time.Now()
	if h.server, h.product, err = h.start(ctx, h.program, "serve", "--listen", "127.0.0.1:0", "--workers=false"); err != nil {
		return err
	}
	h.started = time.Since(began)
	time.Sleep(time.Second) // until it is idle
	h.idle = h.memory()
	body, err := json.Marshal(map[string]string{"username": "bench", "password": password})
	if err != nil {
		return err
	}
	response, err := http.Post(h.product+"/api/auth/", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var pair struct{ Access string }
	if err := json.NewDecoder(response.Body).Decode(&pair); err != nil || pair.Access == "" {
		return errors.Join(fmt.Errorf("the account of the benchmark cannot sign in: %s", response.Status), err)
	}
	h.token = pair.Access
	return h.findBills(ctx)
}

// findBills finds bills in a row on which payments can be taken.
func (h *hospital) findBills(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, h.cluster.URL("bench"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // the work is done
	rows, err := conn.Query(ctx, `INSERT INTO core_bill (patient_id) SELECT id FROM core_patient
		WHERE merged_into_id IS NULL ORDER BY id LIMIT 500 RETURNING id`)
	if err != nil {
		return err
	}
	if h.bills, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "INSERT INTO core_billitem (bill_id, description, amount, quantity) SELECT b, 'Ward', 1000000, 1 FROM unnest($1::bigint[]) b", h.bills)
	return err
}

// start starts a process and waits until it says where it listens; what else it says is
// thrown away.
func (h *hospital) start(ctx context.Context, name string, args ...string) (*exec.Cmd, string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = h.environment()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	h.stop = append(h.stop, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	_ = write.Close()
	lines := bufio.NewScanner(read)
	for address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`); lines.Scan(); {
		if found := address.FindString(lines.Text()); found != "" {
			go func() { _, _ = io.Copy(io.Discard, read) }()
			return cmd, found, nil
		}
	}
	return nil, "", fmt.Errorf("%s %s did not start", filepath.Base(name), strings.Join(args, " "))
}

func (h *hospital) close() {
	for i := len(h.stop) - 1; i >= 0; i-- {
		h.stop[i]()
	}
}

// memory is what the server's process holds, in MB.
func (h *hospital) memory() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.server.Process.Pid))
	if err != nil {
		return 0 // not on Linux
	}
	match := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if match == nil {
		return 0
	}
	kilobytes, _ := strconv.ParseFloat(string(match[1]), 64)
	return kilobytes / 1024
}
