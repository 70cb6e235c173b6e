package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"chelal/gen/db"
)

// write is a kind of POST, and the statements of its transaction for pgbench.
type write struct {
	name, path string
	body       func() any
	script     []string
}

// writes are measured against pgbench, which sends the same statements in one transaction.
func (h *hospital) writes() []write {
	key := "'p' || :client_id || '-' || random()"
	idempotency := func(operation, numbered string, between ...string) []string {
		lines := append([]string{
			statement(db.IdempotencyLock, "'idempotency 1 "+operation+" ' || random()"),
			statement(db.IdempotencyGet, "1", "'"+operation+"'", "'none'", "now()"),
		}, between...)
		return append(lines, statement(db.IdempotencyStore, "1", "'"+operation+"'", key, `'\x00'`, "201",
			`'{"Etag": ["\"1\""], "Content-Type": ["application/json"]}'`, "convert_to(repeat('x', 420), 'UTF8')", "'"+numbered+"'", "''", "now()"))
	}
	audit := func(object, id string) string {
		array := func(value string) string { return "ARRAY[" + value + "]" }
		return statement(db.ChangeRecord, "now()", "gen_random_uuid()::text", "'127.0.0.1'", array("1"), array("'bench'"), array("'create'"),
			array("'"+object+"'"), array(id), array("1"), array("'"+object+": create'"),
			array(`'{"after": {"first_name": "Zed", "last_name": "Quux", "contact_info": "", "address": "", "gender": "F"}}'`),
			"'{}'", "'{}'", "'{}'", "'{}'", "'{}'", "'{}'") // announces nothing
	}
	born := "date '1930-01-01' + :days::integer" // no random() where an index is to be used
	return []write{
		{"create a patient", "/api/patients/", func() any {
			return map[string]any{
				"first_name": word(), "last_name": word(), "gender": "F",
				"date_of_birth": time.Date(1930, 1, 1+rand.IntN(30_000), 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
			}
		}, idempotency("createPatient", "",
			statement(db.PatientDuplicates, born, "md5(:days::text)", "''"),
			statement(db.PatientCreate, "left(md5(random()::text), 9)", "left(md5(random()::text), 9)", born, "'F'", "''", "''", "''", "NULL", "now()")+` \gset`,
			audit("patient", ":id"),
		)},
		{"take a payment", "/api/payments/", func() any {
			return map[string]any{"bill": h.bills[rand.IntN(len(h.bills))], "amount": "0.01", "method": "Cash"}
		}, idempotency("createPayment", "receipt",
			statement(db.BillLock, ":bill"),
			statement(db.PaymentCreate, ":bill", "1", "'Cash'", "''", "NULL", "now()")+` \gset`,
			audit("payment", ":id"),
			statement(db.DocumentNumberLock, "'receipt'"),
			statement(db.DocumentNumberTake, "'receipt'", "NULL", ":id", "now()"),
		)},
	}
}

func word() string { return fmt.Sprintf("%c%x", 'A'+rand.IntN(26), rand.Uint32()) }

var (
	comment  = regexp.MustCompile(`(?m)^\s*--.*$`)
	variable = regexp.MustCompile(`\$(\d+)`)
)

// statement writes one of sqlc's with values in place of its parameters, on one line.
func statement(text string, values ...string) string {
	text = variable.ReplaceAllStringFunc(comment.ReplaceAllString(text, ""), func(name string) string {
		n, _ := strconv.Atoi(name[1:])
		return "(" + values[n-1] + ")"
	})
	return strings.Join(strings.Fields(text), " ")
}

// compareWrite measures the server and pgbench.
func (h *hospital) compareWrite(ctx context.Context, w write, connections uint64, o options) (result, error) {
	r := result{work: fmt.Sprintf("%s, %d connections", w.name, connections), unit: "requests/s, pgbench", goal: 0.8}
	return r.measured(o.rounds,
		func() (float64, error) { return h.post(w, connections, o.round) },
		func() (float64, error) {
			return h.runPgbench(ctx, slices.Concat([]string{"BEGIN"}, w.script, []string{"COMMIT"}), connections, o.round)
		})
}

var keys atomic.Int64

func (h *hospital) target(w write, t *vegeta.Target) error {
	body, err := json.Marshal(w.body())
	t.Method, t.URL, t.Body = http.MethodPost, h.product+w.path, body
	t.Header = http.Header{
		"Authorization": {"Bearer " + h.token}, "Content-Type": {"application/json"}, "Idempotency-Key": {fmt.Sprint("bench-", keys.Add(1))},
	}
	return err
}

func (h *hospital) post(w write, connections uint64, round time.Duration) (float64, error) {
	return h.closedLoop(w.name, connections, round, func(t *vegeta.Target) error { return h.target(w, t) })
}

// runPgbench answers how often a second pgbench carries out a script, with :patient, :bill and :days by chance.
func (h *hospital) runPgbench(ctx context.Context, script []string, connections uint64, round time.Duration) (float64, error) {
	file := filepath.Join(h.folder, "pgbench.sql")
	lines := append([]string{
		fmt.Sprintf(`\set patient random(1, %d)`, h.patients),
		fmt.Sprintf(`\set bill random(%d, %d)`, h.bills[0], h.bills[len(h.bills)-1]),
		`\set days random(0, 30000)`,
	}, ended(script)...)
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, h.pgbench, "-n", "-M", "prepared", "-c", fmt.Sprint(connections), "-T", fmt.Sprint(max(1, int(round.Seconds()))), "-f", file, h.url())
	output, err := cmd.CombinedOutput()
	found := regexp.MustCompile(`tps = ([\d.]+)`).FindSubmatch(output)
	if err != nil || found == nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, output)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// ended ends each statement, unless pgbench is to keep what it answers.
func ended(script []string) (lines []string) {
	for _, line := range script {
		if !strings.HasSuffix(line, `\gset`) {
			line += ";"
		}
		lines = append(lines, line)
	}
	return lines
}
