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

	"chelal/internal/pg"
	"chelal/internal/pg/embedded"
	"chelal/internal/seed"
)

const password = "a password of the benchmark"

// site is what the hospitals of a run share: a folder, the program, and a PostgreSQL of their own.
type site struct {
	folder  string
	program string
	pgbench string // where that program is; empty where it is not installed
	cluster *embedded.Server
	stop    []func()

	hospitals int // made so far
}

// hospital is a database with people in it, and the server on it.
type hospital struct {
	*site
	database string
	patients int
	rows     int64  // of all tables
	product  string // where the server is
	metrics  string // where the server tells how it is doing
	bare     string // where the bare one is, if it was started
	token    string
	signedIn time.Time
	started  time.Duration // how long the server took to start
	idle     float64       // MB that it holds then
	bills    []int64       // of which much is still to be paid
	doctor   int64
	found    int // how many people a common name finds, the mean
	server   *exec.Cmd
}

// open makes the site, with the program built with a profile, or none when it is off.
func open(ctx context.Context, pgo string) (s *site, err error) {
	s = &site{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.folder, err = os.MkdirTemp("", "chelal-bench-"); err != nil {
		return s, err
	}
	s.stop = append(s.stop, func() { _ = os.RemoveAll(s.folder) })
	s.program = filepath.Join(s.folder, "chelal")
	build := exec.CommandContext(ctx, "go", "build", "-pgo", pgo, "-o", s.program, "chelal/cmd/chelal")
	if output, err := build.CombinedOutput(); err != nil {
		return s, fmt.Errorf("go build: %w\n%s", err, output)
	}
	if s.pgbench, err = findPgbench(); err != nil {
		fmt.Fprintln(os.Stderr, "pgbench, which comes with PostgreSQL, is not installed: nothing is compared with it.")
	}
	if s.cluster, err = embedded.Start(ctx, embedded.Options{Dir: filepath.Join(s.folder, "data")}); err != nil {
		return s, err
	}
	s.stop = append(s.stop, func() { _ = s.cluster.Stop() })
	return s, nil
}

// findPgbench looks in the PATH and beside the server that is installed.
func findPgbench() (string, error) {
	if found, err := exec.LookPath("pgbench"); err == nil {
		return found, nil
	}
	folder, _, err := embedded.FindBinaries()
	if err != nil {
		return "", err
	}
	return exec.LookPath(filepath.Join(folder, "pgbench"))
}

// hospital makes a database with these people, and starts the server on it.
func (s *site) hospital(ctx context.Context, people ...seed.Options) (*hospital, error) {
	s.hospitals++
	h := &hospital{site: s, database: fmt.Sprintf("bench%d", s.hospitals)}
	if err := execute(ctx, s.cluster.URL("postgres"), "CREATE DATABASE "+h.database); err != nil {
		return nil, err
	}
	if err := h.run(ctx, "", h.program, "migrate", "up"); err != nil {
		return nil, err
	}
	if err := h.seed(ctx, people); err != nil {
		return nil, err
	}
	if err := h.run(ctx, password+"\n", h.program, "createadmin", "--username", "bench", "--email", "bench@example.org", "--password-stdin"); err != nil {
		return nil, err
	}
	// As in a hospital that has run for a while: with statistics, and segments of the log to use again.
	if err := execute(ctx, h.url(), "VACUUM ANALYZE", "CHECKPOINT"); err != nil {
		return nil, err
	}
	return h, h.serve(ctx)
}

// execute runs statements that answer nothing.
func execute(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // the work is done
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// people are so many, with three appointments each.
func people(patients int) seed.Options {
	return seed.Options{Patients: patients, Appointments: 3 * patients}
}

func (h *hospital) seed(ctx context.Context, people []seed.Options) error {
	pool, err := pg.Open(ctx, h.url())
	if err != nil {
		return err
	}
	defer pool.Close()
	for n, o := range people {
		fmt.Fprintf(os.Stderr, "seeding %d patients\n", o.Patients)
		o.RNGSeed, o.Now = uint64(n+1), time.Now().UTC()
		if _, err := seed.Run(ctx, pool, o); err != nil {
			return err
		}
		h.patients += o.Patients
	}
	return nil
}

func (h *hospital) url() string { return h.cluster.URL(h.database) }

// environment is that of the processes.
func (h *hospital) environment() []string {
	return append(os.Environ(), "DATABASE_URL="+h.url(), "SECRET_KEY=only-for-a-benchmark-on-a-throw-away-database", "DEBUG=false", "HOSPITAL_TIME_ZONE=UTC", "METRICS_ADDR=127.0.0.1:0", "RATE_LIMIT_IP=0", "RATE_LIMIT_USER=0")
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
	began := time.Now()
	if h.server, h.product, err = h.start(ctx, h.program, "serve", "--listen", "127.0.0.1:0", "--workers=false"); err != nil {
		return err
	}
	h.started = time.Since(began)
	time.Sleep(time.Second) // until it is idle
	h.idle = h.memory()
	if err := h.signIn(); err != nil {
		return err
	}
	return h.look(ctx)
}

// signIn gets a token, unless there is one that lasts for a while yet.
func (h *hospital) signIn() error {
	if time.Since(h.signedIn) < 5*time.Minute {
		return nil
	}
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
	h.token, h.signedIn = pair.Access, time.Now()
	return nil
}

// serveBare starts the bare server beside.
func (h *hospital) serveBare(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	_, h.bare, err = h.start(ctx, self, "bare")
	return err
}

// look finds a doctor of these weeks, how many a common name finds and how many rows there are, and
// adds bills in a row on which payments can be taken, and people of rare names.
func (h *hospital) look(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, h.url())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // the work is done
	if err := conn.QueryRow(ctx, `SELECT (SELECT doctor_id FROM core_appointment ORDER BY date DESC LIMIT 1),
		(SELECT count(*) / cardinality($1) FROM unnest($1::text[]) name JOIN core_patient p ON p.search_text LIKE '%' || name || '%'),
		(SELECT sum(reltuples)::bigint FROM pg_class WHERE relkind = 'r' AND relname LIKE 'core\_%' AND reltuples > 0)`,
		commonNames).Scan(&h.doctor, &h.found, &h.rows); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, `INSERT INTO core_bill (patient_id) SELECT id FROM core_patient
		WHERE merged_into_id IS NULL ORDER BY id LIMIT 500 RETURNING id`)
	if err != nil {
		return err
	}
	if h.bills, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "INSERT INTO core_billitem (bill_id, description, amount, quantity) SELECT b, 'Ward', 1000000, 1 FROM unnest($1::bigint[]) b", h.bills); err != nil {
		return err
	}
	return addRare(ctx, conn)
}

// addRare adds ten people of each of the rare names. It fails when others have them, too.
func addRare(ctx context.Context, conn *pgx.Conn) error {
	const each = 10
	if _, err := conn.Exec(ctx, `INSERT INTO core_patient (first_name, last_name, date_of_birth, gender)
		SELECT 'Ada', initcap(name), date '1960-06-15' + n, 'F' FROM unnest($1::text[]) name, generate_series(1, $2::int) n`, rareNames, each); err != nil {
		return err
	}
	var common []string
	if err := conn.QueryRow(ctx, `SELECT array_agg(name) FROM unnest($1::text[]) name
		WHERE (SELECT count(*) FROM core_patient p WHERE p.search_text LIKE '%' || name || '%') <> $2`, rareNames, each).Scan(&common); err != nil {
		return err
	}
	if common != nil {
		return fmt.Errorf("names that were to be rare: %v", common)
	}
	return nil
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
	for address := regexp.MustCompile(`http://127\.0\.0\.1:\d+(/metrics)?`); lines.Scan(); {
		found := address.FindString(lines.Text())
		if of, ok := strings.CutSuffix(found, "/metrics"); ok {
			h.metrics = of
		} else if found != "" {
			go func() { _, _ = io.Copy(io.Discard, read) }()
			return cmd, found, nil
		}
	}
	return nil, "", fmt.Errorf("%s %s did not start", filepath.Base(name), strings.Join(args, " "))
}

func (s *site) close() {
	for i := len(s.stop) - 1; i >= 0; i-- {
		s.stop[i]()
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
