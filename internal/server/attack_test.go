package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/internal/pg"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

// mark stands in every hostile text, and nowhere else: where it turns up, something of
// what was sent has got through.
const mark = "Mallory7Kz"

// TestAttacks sends hostile input to every operation of the contract, as an Admin, whom
// nothing but the input can stop. It is generated from the contract, so a new operation
// is attacked from its first day. No answer is a fault of the server's or against the
// contract, a refusal changes no row, and the log holds nothing of what was sent.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, target := range targets() {
		t.Run(target.OperationID, func(t *testing.T) {
			t.Parallel()
			s := besiege(t, target)
			s.refuses("broken bodies", brokenBodies(s))
			s.refuses("properties of the server", massAssignment(s))
			s.survives("hostile properties", hostileProperties(s))
			s.survives("hostile parameters", hostileParameters(s))
			s.survives("hostile headers", hostileHeaders(s))
			require.NotContains(t, s.log.String(), mark, "the log holds what was sent")
			require.NotContains(t, s.log.String(), s.refs.patientName, "the log holds a patient's name")
		})
	}
}

// TestLenientServerKeepsItsOwn holds that a server that ignores what it does not know,
// instead of refusing it, does not take it over either.
func TestLenientServerKeepsItsOwn(t *testing.T) {
	t.Parallel()
	for _, target := range targets() {
		if target.body() == nil {
			continue
		}
		t.Run(target.OperationID, func(t *testing.T) {
			t.Parallel()
			s := besiege(t, target, func(o *server.Options) { o.StrictBodies = false })
			body := s.valid()
			for name, value := range map[string]any{"text": mark, "number": 987654321, "truth": true} {
				for property := range foreignProperties(s) {
					body[property] = value
				}
				got := s.call(s.method, s.row, body)
				require.Less(t, got.status, 500, name)
				require.NotContains(t, got.raw, mark, name)
				require.NotContains(t, got.raw, "987654321", name)
			}
			var taken bool
			require.NoError(t, s.db.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM core_user WHERE is_superuser OR is_staff)").Scan(&taken))
			require.False(t, taken)
		})
	}
}

// target is an operation of the contract.
type target struct {
	*openapi3.Operation
	method, path string
	parameters   openapi3.Parameters
}

func targets() []target {
	var all []target
	for path, item := range testkit.Contract().Paths.Map() {
		for method, op := range item.Operations() {
			all = append(all, target{op, method, path, slices.Concat(item.Parameters, op.Parameters)})
		}
	}
	slices.SortFunc(all, func(a, b target) int { return strings.Compare(a.OperationID, b.OperationID) })
	return all
}

// body is the schema of the JSON body, nil when the operation takes none.
func (t target) body() *openapi3.Schema {
	if t.RequestBody == nil {
		return nil
	}
	media := t.RequestBody.Value.Content.Get("application/json")
	if media == nil {
		return nil
	}
	return media.Schema.Value
}

// hashes reports whether the operation takes a password.
func (t target) hashes() bool {
	if t.body() == nil {
		return false
	}
	for _, property := range t.body().Properties {
		if property.Value.Format == "password" {
			return true
		}
	}
	return false
}

// attack is one request. Without a body it has none, and without a path it goes to the
// row of the siege.
type attack struct {
	name   string
	path   string
	body   string
	header []string
}

// siege is a server in a transaction, and an operation under attack.
type siege struct {
	caller
	target
	refs references
	row  string // the path of a row that exists, or what follows every path
	log  *lockedBuffer
}

func besiege(t *testing.T, target target, change ...func(*server.Options)) *siege {
	t.Helper()
	log := &lockedBuffer{}
	b := setup(t, append(change, func(o *server.Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})...)
	c, id := actor(b, "Admin", "foreign", target.path)
	row := strings.NewReplacer("{id}", fmt.Sprint(id), "{batch}", syncBatchOf(b, c, "own")).Replace(target.path) + required(b, target.Operation)
	return &siege{c, target, newReferences(b), row, log}
}

// refuses sends what no operation may accept.
func (s *siege) refuses(kind string, attacks []attack) {
	s.t.Helper()
	s.send(kind, attacks, func(a attack, got answer) {
		require.GreaterOrEqual(s.t, got.status, 400, "%s: %s: %s", kind, a.name, got.raw)
	})
}

// survives sends what an operation may accept. What it has accepted is taken back. Where
// each of them costs a password's hash it sends every fourth.
func (s *siege) survives(kind string, attacks []attack) {
	s.t.Helper()
	if s.hashes() {
		for i := range len(attacks) / 4 {
			attacks[i] = attacks[4*i]
		}
		attacks = attacks[:len(attacks)/4]
	}
	s.send(kind, attacks, func(a attack, got answer) {
		if got.status < 300 {
			s.requireUnharmed(kind + ": " + a.name)
		}
	})
}

func (s *siege) send(kind string, attacks []attack, check func(attack, answer)) {
	s.t.Helper()
	before := checksums(s.t, s.db)
	for _, a := range attacks {
		if a.path == "" {
			a.path = s.row
		}
		header := a.header
		if a.body != "" && !slices.Contains(header, "Content-Type") {
			header = append(slices.Clone(header), "Content-Type", "application/json")
		}
		s.attempt(func() bool {
			got := s.call(s.method, a.path, a.body, header...)
			require.Less(s.t, got.status, 500, "%s: %s: %s\n%s", kind, a.name, got.raw, s.log)
			check(a, got)
			return got.status < 300 || got.status == 304 // which shows what the caller has
		})
	}
	require.Equal(s.t, before, checksums(s.t, s.db), "%s changed these tables", kind)
}

// attempt takes back what f did when it says so, and when a statement failed outside of
// any transaction of its own.
func (s *siege) attempt(f func() (takeBack bool)) {
	s.t.Helper()
	ctx := s.t.(*testing.T).Context()
	_, err := s.db.Exec(ctx, "SAVEPOINT attack")
	require.NoError(s.t, err)
	if !f() {
		if _, err := s.db.Exec(ctx, "RELEASE SAVEPOINT attack"); err == nil {
			return
		}
	}
	_, err = s.db.Exec(ctx, "ROLLBACK TO SAVEPOINT attack")
	require.NoError(s.t, err)
}

// requireUnharmed fails when one of the injected statements was carried out.
func (s *siege) requireUnharmed(where string) {
	s.t.Helper()
	var harmed bool
	err := s.db.QueryRow(s.t.(*testing.T).Context(), `SELECT EXISTS (SELECT FROM core_role WHERE description = $1)
		OR NOT EXISTS (SELECT FROM core_role WHERE name = 'Patient')`, mark).Scan(&harmed)
	require.NoError(s.t, err, where)
	require.False(s.t, harmed, where)
}

// checksums are the contents of all tables, but for those in which an attempt to sign in
// leaves its trace, a refused one too.
func checksums(t testing.TB, conn pg.DB) map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), checksumQuery(t, conn))
	require.NoError(t, err)
	sums := map[string]string{}
	for rows.Next() {
		var table, sum string
		require.NoError(t, rows.Scan(&table, &sum))
		sums[table] = sum
	}
	require.NoError(t, rows.Err())
	return sums
}

var checksumOnce struct {
	sync.Once
	query string
}

func checksumQuery(t testing.TB, conn pg.DB) string {
	t.Helper()
	checksumOnce.Do(func() {
		rows, err := conn.Query(t.Context(), `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
			AND relkind IN ('r', 'p') AND NOT relispartition AND starts_with(relname, 'core_') AND relname <> 'core_loginactivity'`)
		require.NoError(t, err)
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Greater(t, len(tables), 20)
		parts := make([]string, len(tables))
		for i, table := range tables {
			parts[i] = fmt.Sprintf(`SELECT '%s', coalesce(md5(string_agg(x::text, E'\n' ORDER BY x::text)), '') FROM %[1]s x`, table)
		}
		checksumOnce.query = strings.Join(parts, " UNION ALL ")
	})
	return checksumOnce.query
}

// references are rows that a body can refer to, by the name of the property.
type references struct {
	ids         map[string]int64
	patientName string
}

func newReferences(b *bundle) references {
	t := b.t
	patient, doctor := testkit.Patient(t, b.db, nil), testkit.User(t, b.db, "Doctor")
	r := references{patientName: patient.FirstName, ids: map[string]int64{
		"patient": patient.ID, "doctor": doctor.ID, "duplicate": testkit.Patient(t, b.db, nil).ID,
		"appointment":  testkit.Appointment(t, b.db, patient.ID, doctor.ID, time.Now().Truncate(time.Hour)).ID,
		"medication":   testkit.Medication(t, b.db, 500).ID,
		"service_item": testkit.ServiceItem(t, b.db, "10.00").ID,
		"bill":         testkit.Bill(t, b.db, patient.ID, "500.00").ID,
		"user":         testkit.User(t, b.db, "").ID, "role_id": roleID(t, b, "Nurse"),
	}}
	r.ids["encounter"] = testkit.Encounter(t, b.db, patient.ID, doctor.ID).ID
	r.ids["payment"] = testkit.Payment(t, b.db, r.ids["bill"], "5.00").ID
	return r
}

// resolve lets an example of the contract refer to rows that exist.
func (r references) resolve(value any) any {
	switch v := value.(type) {
	case map[string]any:
		resolved := maps.Clone(v)
		for name, item := range v {
			if id, ok := r.ids[name]; ok && item != nil {
				resolved[name] = id
				continue
			}
			resolved[name] = r.resolve(item)
		}
		return resolved
	case []any:
		resolved := make([]any, len(v))
		for i, item := range v {
			resolved[i] = r.resolve(item)
		}
		return resolved
	}
	return value
}

// valid is a body as the contract's example has it.
func (s *siege) valid() map[string]any {
	example, _ := s.refs.resolve(s.body().Example).(map[string]any)
	require.NotNil(s.t, example, "the body of %s has no example", s.OperationID)
	return example
}

func encode(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// lockedBuffer takes what several requests log at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
