package server_test

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/seed"
	"chelal/internal/testkit"
)

// watched keeps two plans of every statement that it runs: the one for these arguments,
// and the one for any, which PostgreSQL may use after a while. Which of them it plans anew for
// every call is in replanned, once that is a map.
type watched struct {
	*pgxpool.Pool
	t          *testing.T
	statements int
	plans      []string
	replanned  map[string]bool
}

func (w *watched) explain(ctx context.Context, sql string, args []any) {
	w.statements++
	if strings.HasPrefix(sql, "EXPLAIN") {
		return // which reads no table
	}
	planned := false
	if len(args) > 0 {
		_, planned = args[0].(pgx.QueryExecMode) // each time for its arguments
	}
	require.NoError(w.t, pgx.BeginFunc(ctx, w.Pool, func(tx pgx.Tx) error {
		w.keep(ctx, tx, sql, "EXPLAIN "+sql, args...)
		if planned {
			return nil
		}
		_, err := tx.Exec(ctx, "SET LOCAL plan_cache_mode = force_generic_plan; PREPARE asked AS "+sql, pgx.QueryExecModeSimpleProtocol)
		require.NoError(w.t, err)
		execute := "EXPLAIN EXECUTE asked"
		if len(args) > 0 {
			execute += "(" + strings.Repeat("NULL, ", len(args)-1) + "NULL)"
		}
		w.keep(ctx, tx, sql, execute, pgx.QueryExecModeSimpleProtocol)
		if _, err = tx.Exec(ctx, "DEALLOCATE asked; RESET plan_cache_mode", pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		if _, known := w.replanned[sql]; !known && w.replanned != nil {
			w.replanned[sql] = replanned(ctx, w.t, tx, sql, args)
		}
		return nil
	}))
}

// replanned reports whether PostgreSQL would still plan a statement anew when it has been called a
// few times. It decides after five.
func replanned(ctx context.Context, t *testing.T, tx pgx.Tx, sql string, args []any) bool {
	t.Helper()
	const calls = 7
	_, err := tx.Conn().Prepare(ctx, "asked", sql)
	require.NoError(t, err)
	for range calls {
		rows, err := tx.Query(ctx, "asked", args...)
		require.NoError(t, err)
		rows.Close()
		require.NoError(t, rows.Err())
	}
	var times int
	require.NoError(t, tx.QueryRow(ctx, "SELECT custom_plans FROM pg_prepared_statements WHERE name = 'asked'").Scan(&times))
	require.NoError(t, tx.Conn().Deallocate(ctx, "asked"))
	return times == calls
}

func (w *watched) keep(ctx context.Context, tx pgx.Tx, asked, sql string, args ...any) {
	rows, err := tx.Query(ctx, sql, args...)
	require.NoError(w.t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(w.t, err)
	w.plans = append(w.plans, asked+"\n"+strings.Join(lines, "\n"))
}

func (w *watched) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	w.explain(ctx, sql, args)
	return w.Pool.Query(ctx, sql, args...)
}

func (w *watched) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	w.explain(ctx, sql, args)
	return w.Pool.QueryRow(ctx, sql, args...)
}

var (
	scan  = regexp.MustCompile(`Seq Scan on core_(?:patient|appointment|encounter|prescription|bill|billitem|payment|auditlog_default|notification|loginactivity_before)\b.*\(cost=[\d.]+\.\.([\d.]+)`)
	limit = regexp.MustCompile(`Limit  \(cost=[\d.]+\.\.([\d.]+)`)
)

// readsAll reports whether a plan reads the whole of a table that grows with the years. A count
// that ends at 10,001 may begin at the front of a table, if it finds them in its first quarter.
func readsAll(t *testing.T, plan string) bool {
	t.Helper()
	found := scan.FindStringSubmatch(plan)
	if found == nil {
		return false
	}
	ends := limit.FindStringSubmatch(plan)
	if ends == nil || !strings.Contains(plan, "LIMIT 10001") {
		return true
	}
	all, err := strconv.ParseFloat(found[1], 64)
	require.NoError(t, err)
	read, err := strconv.ParseFloat(ends[1], 64)
	require.NoError(t, err)
	return read > all/4
}

// TestPlansAtScale holds that no list, search, report or dashboard reads a whole table after
// years, with whatever filter and in whatever order, that each report asks the same few
// questions as on the first day, that no statement is planned anew for each call but those
// that look for something, and that whoever registers a patient waits for nobody's record of the
// same birthday.
func TestPlansAtScale(t *testing.T) {
	t.Parallel()
	w := &watched{Pool: testkit.Pool(t), t: t}
	b := setupOn(t, w)
	b.counted = true
	admin := b.as("Admin")
	asked := map[string]int{}
	for _, path := range reportPaths {
		w.statements = 0
		require.Equal(t, 200, admin.call("GET", path, nil).status)
		asked[path] = w.statements
		require.LessOrEqual(t, w.statements, 12, path)
	}
	fill(t, w.Pool, b.now, 1_000_000)
	availability := "/api/appointments/availability/" + required(b, testkit.Contract().Paths.Value("/api/appointments/availability/").Get)
	w.replanned = map[string]bool{}
	bad := map[string]string{} // the plans that read all, each with the first request that led to it
	call := func(url string) {
		w.statements, w.plans = 0, nil
		got := admin.call("GET", url, nil)
		if got.status == 404 && strings.Contains(url, "page=40") {
			return // there is no such page
		}
		assert.Equal(t, 200, got.status, "%s: %s", url, got.raw)
		for _, plan := range w.plans {
			if readsAll(t, plan) && bad[plan] == "" {
				bad[plan] = url
			}
		}
	}
	for _, path := range reportPaths {
		call(path)
		require.Equal(t, asked[path], w.statements, path)
	}
	call(availability)
	for _, url := range listRequests(t, w.Pool) {
		call(url)
	}
	for plan, url := range bad {
		t.Errorf("%s reads a whole table: %s", url, plan)
	}
	for sql, again := range w.replanned {
		assert.False(t, again, "planned anew for each call: %s", sql)
	}
	w.plans = nil
	_, err := db.New().PatientDuplicates(t.Context(), w, db.PatientDuplicatesParams{DateOfBirth: b.now, Name: "Wanjiku Kamau"})
	require.NoError(t, err)
	require.Len(t, w.plans, 2)
	for _, plan := range w.plans {
		require.Contains(t, plan, "Index Only Scan using core_patient_date_of_birth_idx")
	}
}

// listRequests are each list of the contract with each of its filters and orders, by number and
// by cursor.
func listRequests(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	id := func(table string) string {
		var id int64
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT id FROM core_"+table+" ORDER BY id LIMIT 1").Scan(&id))
		return fmt.Sprint(id)
	}
	var doctor string
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT doctor_id::text FROM core_appointment LIMIT 1").Scan(&doctor))
	values := map[string][]string{
		"search": {"wanjiku", "wanj kam", "712 345", "zzqq", "a"}, "patient": {id("patient")}, "doctor": {doctor}, "user": {doctor}, "received_by": {doctor},
		"appointment": {id("appointment")}, "encounter": {id("encounter")}, "bill": {id("bill")}, "medication": {id("medication")}, "service_item": {id("serviceitem")},
		"requested_role": {"1"}, "role": {"Doctor"}, "gender": {"F", "O"}, "category": {"general"}, "type": {"info"},
		"object_type": {"patient", "none"}, "object_id": {"17"}, "request_id": {"01a1"}, "ip_address": {"192.0.2.1"},
	}
	var urls []string
	for _, path := range listPaths() {
		op := testkit.Contract().Paths.Value(path).Get
		filled := strings.ReplaceAll(path, "{id}", id(map[bool]string{true: "patient", false: "medication"}[strings.Contains(path, "patients")]))
		variants := []string{""}
		if op.Parameters.GetByInAndName("query", "page") != nil {
			variants = append(variants, "&page=40")
		}
		for _, parameter := range op.Parameters {
			schema := parameter.Value.Schema.Value
			var tried []string
			switch name := parameter.Value.Name; {
			case parameter.Value.In != "query" || name == "page" || name == "page_size" || name == "cursor":
			case len(schema.Enum) > 0:
				for _, value := range schema.Enum {
					tried = append(tried, fmt.Sprint(value))
				}
			case schema.Type.Is("boolean"):
				tried = []string{"true", "false"}
			case schema.Format == "date":
				tried = []string{"2026-11-20", "2020-01-01"}
			default:
				tried = values[name]
				require.NotEmpty(t, tried, "%s of %s", name, path)
			}
			for _, value := range tried {
				variants = append(variants, "&"+parameter.Value.Name+"="+url.QueryEscape(value))
			}
		}
		for _, variant := range variants {
			if strings.Contains(filled, "audit") && strings.HasPrefix(variant, "&object_id") {
				variant += "&object_type=patient"
			}
			urls = append(urls, filled+"?page_size=50"+variant)
			if !strings.Contains(variant, "page=") {
				urls = append(urls, filled+"?page_size=50&cursor="+variant)
			}
		}
	}
	return urls
}

// grown are the tables of which there are many rows after years.
var grown = []string{
	"core_patient", "core_appointment", "core_encounter", "core_prescription", "core_bill", "core_billitem", "core_payment",
	"core_notification", "core_auditlog", "core_loginactivity",
}

// fill makes so many rows of each of these: the seed's, many times over. Bulk loads run without
// triggers and indexes, and make both anew.
func fill(t *testing.T, pool *pgxpool.Pool, now time.Time, rows int) {
	t.Helper()
	ctx := t.Context()
	_, err := seed.Run(ctx, pool, seed.Options{Patients: 20_000, Appointments: 40_000, RNGSeed: 1, Now: now.UTC()})
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, multiplySQL, pgx.QueryExecModeSimpleProtocol, grown, rows, now)
		return err
	}))
	_, err = pool.Exec(ctx, "VACUUM ANALYZE")
	require.NoError(t, err)
	for _, table := range grown {
		var n int
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n))
		require.GreaterOrEqual(t, n, rows, table)
	}
}

// multiplySQL copies rows with other ids, so that each copy of a record refers to the same copy of
// another. Copied appointments are overbooked, since their doctors have others at the time.
const multiplySQL = `
SET LOCAL session_replication_role = replica;
SET LOCAL statement_timeout = 0;
SET LOCAL work_mem = '128MB';
SET LOCAL maintenance_work_mem = '256MB';
INSERT INTO core_auditlog (user_id, username, action, object_type, object_id, timestamp)
SELECT a.doctor_id, 'x', (ARRAY ['create', 'view', 'view', 'login'])[a.id % 4 + 1], 'appointment', a.id, $3::timestamptz - a.id * interval '10 minutes'
FROM core_appointment a;
INSERT INTO core_loginactivity (user_id, username, timestamp, ip_address)
SELECT a.doctor_id, 'x', $3::timestamptz - a.id * interval '10 minutes', '192.0.2.9' FROM core_appointment a;
INSERT INTO core_notification (user_id, message, is_read) SELECT doctor_id, 'x', id % 10 > 0 FROM core_appointment;
CREATE TEMP TABLE dropped ON COMMIT DROP AS
SELECT i.indexdef, format('%I', i.indexname) AS name FROM pg_indexes i
WHERE i.tablename = ANY ($1::text[]) AND i.indexdef NOT LIKE '%UNIQUE%' AND i.indexdef NOT LIKE '% ON ONLY %'
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexname::regclass);
CREATE FUNCTION pg_temp.multiply(the_table text, wanted integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
    copied  text;
    there   integer;
BEGIN
    EXECUTE 'SELECT count(*) FROM ' || the_table INTO there;
    SELECT string_agg(attname, ', ' ORDER BY attnum), string_agg(CASE
        WHEN attname IN ('id', 'patient_id', 'appointment_id', 'encounter_id', 'bill_id') THEN attname || ' + k * 100000000::bigint'
        WHEN attname = 'unique_id' THEN 'unique_id || k'
        WHEN attname = 'user_id' AND the_table = 'core_patient' THEN 'NULL'
        WHEN attname = 'overbook_reason' THEN '''copied'''
        ELSE attname END, ', ' ORDER BY attnum)
    INTO columns, copied FROM pg_attribute WHERE attrelid = the_table::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %3$s FROM %1$s, generate_series(1, %4$s) k',
        the_table, columns, copied, wanted / there);
END $$;
DO $$ DECLARE r record; BEGIN FOR r IN SELECT name FROM dropped LOOP EXECUTE 'DROP INDEX ' || r.name; END LOOP; END $$;
SELECT pg_temp.multiply(name, $2) FROM unnest($1::text[]) name;
DO $$ DECLARE r record; BEGIN FOR r IN SELECT indexdef FROM dropped LOOP EXECUTE r.indexdef; END LOOP; END $$;
SET LOCAL session_replication_role = origin;
SELECT core_figures_rebuild()`
