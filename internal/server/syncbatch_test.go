package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

// work carries out a batch as its job does.
func (b *bundle) work(ctx context.Context, batch string) error {
	return b.handler.(*server.Server).WorkSyncBatch(ctx, uuid.MustParse(batch))
}

// queued sends operations, which are answered 202, and returns the batch.
func (c caller) queued(device string, operations ...any) string {
	c.t.Helper()
	a := c.call("POST", syncPath, record{"device_id": device, "operations": operations})
	require.Equal(c.t, 202, a.status, a.raw)
	require.Equal(c.t, syncPath+a.body["batch"].(string)+"/", a.header.Get("Location"))
	require.Equal(c.t, []any{"waiting", float64(len(operations)), 0.0}, []any{a.body["status"], a.body["total"], a.body["done"]})
	return a.body["batch"].(string)
}

// registrations are creations of patients who are not alike.
func registrations(n int) []any {
	all := make([]any, n)
	for i := range all {
		patient := jane()
		patient["last_name"], patient["contact_info"] = testkit.Unique("Smith"), ""
		patient["date_of_birth"] = time.Date(1990, 1, 15+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		all[i] = op("patients", "create", "temp_id", fmt.Sprint("p", i), "data", patient)
	}
	return all
}

func TestSyncBatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse, admin := b.as("Nurse"), b.as("Admin")
	const n = 530
	operations := registrations(n)
	operations[7] = op("patients", "delete", "id", 1, "base_version", 1)
	batch := nurse.queued("tablet", operations...)
	require.Zero(t, rows(b, "core_patient", "true"))
	later := nurse.queued("tablet", op("bills", "create", "data", record{"patient": "p3"}))
	require.Empty(t, nurse.sync("another device"), "others need not wait")

	require.NoError(t, b.work(t.Context(), later))
	require.NoError(t, b.work(t.Context(), later), "it may run again")
	require.Equal(t, n-1, rows(b, "core_patient", "true"))
	require.Equal(t, 1, rows(b, "core_bill", "true"), "what refers to the batch before waits for it")
	require.Equal(t, n-1, rows(b, "core_auditlog", "action = 'create' AND object_type = 'patient' AND request_id <> '' AND username = '"+nurse.user.Username+"'"))

	got := admin.call("GET", syncPath+batch+"/", nil)
	require.Equal(t, []any{"completed", float64(n), float64(n), float64(n - 1), 0.0, 0.0, 1.0}, []any{got.body["status"], got.body["total"],
		got.body["done"], got.body["applied"], got.body["duplicate"], got.body["conflict"], got.body["rejected"]})
	require.NotNil(t, got.body["finished_at"])
	results := records(got.body["results"])
	require.Len(t, results, 500)
	problemOf(t, results[7], "forbidden")
	rest := records(nurse.call("GET", fmt.Sprintf("%s%s/?after=%d", syncPath, batch, 500), nil).body["results"])
	require.Len(t, rest, n-500)
	for i, r := range append(results, rest...) {
		require.Equal(t, operations[i].(record)["op_id"], r["op_id"])
	}
	require.Equal(t, "duplicate", statusesOf(nurse.sync("tablet", operations[3])))

	b.as("Nurse").call("GET", syncPath+batch+"/", nil).refused(t, 404, "not_found")
	b.as("Patient").call("GET", syncPath+batch+"/", nil).refused(t, 403, "forbidden")
	b.nobody().call("GET", syncPath+batch+"/", nil).refused(t, 401, "not_authenticated")
	nurse.call("GET", syncPath+uuid.NewString()+"/", nil).refused(t, 404, "not_found")
	nurse.call("GET", syncPath+"17/", nil).refused(t, 404, "not_found")
	nurse.call("GET", syncPath+batch+"/?after=-1", nil).refused(t, 400, "invalid")
}

func TestSyncBatchIdempotencyKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	body := record{"device_id": "t", "operations": registrations(201)}
	first := nurse.call("POST", syncPath, body, "Idempotency-Key", "k")
	require.Equal(t, 202, first.status, first.raw)
	require.Equal(t, first.raw, nurse.call("POST", syncPath, body, "Idempotency-Key", "k").raw)
	require.Equal(t, 1, rows(b, "core_syncbatch", "true"))
	require.Equal(t, 1, rows(b, "river.river_job", "kind = 'sync_batch'"))
}

// TestSyncBatchIsOfTheUserAsOfNow: who has lost the role, or the account, since the batch was
// sent has nothing more of it applied.
func TestSyncBatchIsOfTheUserAsOfNow(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"deactivated": "UPDATE core_user SET is_active = false WHERE id = $1",
		"demoted":     "UPDATE core_user SET role_id = (SELECT id FROM core_role WHERE name = 'Patient') WHERE id = $1",
		"locked":      "UPDATE core_user SET password_change_required = true WHERE id = $1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			nurse := b.as("Nurse")
			batch := nurse.queued("tablet", registrations(201)...)
			_, err := b.db.Exec(t.Context(), change, nurse.user.ID)
			require.NoError(t, err)
			require.NoError(t, b.work(t.Context(), batch))
			require.Zero(t, rows(b, "core_patient", "true"))
			got := b.as("Admin").call("GET", syncPath+batch+"/", nil)
			require.Equal(t, 201.0, got.body["rejected"])
		})
	}
}

// TestSyncBatchSurvivesKills ends the work on a batch again and again, at any statement, and
// lets several work at once; each operation is applied once, and none is left out.
func TestSyncBatchSurvivesKills(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	killer := &killing{every: 41}
	config := pool.Config()
	config.ConnConfig.Tracer = killer
	victim, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(victim.Close)
	b, dying := setupOn(t, pool), setupOn(t, victim)
	nurse := b.as("Nurse")
	const n = 201
	batch := nurse.queued("tablet", registrations(n)...)

	killed := 0
	for killer.n.Load() < 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		killer.kill = cancel
		if err := dying.work(ctx, batch); err == nil {
			break
		}
		killed++
		done := rows(b, "core_syncbatchoperation", "status IS NOT NULL")
		require.Equal(t, []int{done, done, done}, []int{rows(b, "core_patient", "true"), rows(b, "core_syncoperation", "true"),
			progress(b)}, "all of an operation or nothing")
	}
	require.Greater(t, killed, 10)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := b.work(t.Context(), batch); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := nurse.call("GET", syncPath+batch+"/", nil)
	require.Equal(t, []any{"completed", float64(n)}, []any{got.body["status"], got.body["applied"]})
	require.Equal(t, n, rows(b, "core_patient", "true"))
	require.Equal(t, n, rows(b, "core_auditlog", "object_type = 'patient'"))
}

// progress is how far the only batch says it has come.
func progress(b *bundle) int {
	b.t.Helper()
	var done int
	require.NoError(b.t, b.db.QueryRow(b.t.Context(), "SELECT done FROM core_syncbatch").Scan(&done))
	return done
}

// killing cancels whoever works at every so many statements, in the middle of them.
type killing struct {
	every int64
	n     atomic.Int64
	kill  context.CancelFunc
}

func (k *killing) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if k.n.Add(1)%k.every == 0 {
		k.kill()
	}
	return ctx
}
func (*killing) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestSyncStatements holds that an operation takes so many statements, whatever came before it.
func TestSyncStatements(t *testing.T) {
	t.Parallel()
	counter, pool := countedPool(t)
	b := setupOn(t, pool)
	nurse := b.as("Nurse")
	all := registrations(121) // of whom nobody is shown as another's likely duplicate
	nurse.sync("warm", all[120])
	taken := func(operations []any) int64 {
		return counter.during(func() { nurse.sync("tablet", operations...) })
	}
	none := taken(nil)
	one, ten, hundred := taken(all[:1])-none, taken(all[1:11])-none, taken(all[11:111])-none
	per := (hundred - ten) / 90
	require.LessOrEqual(t, per, int64(16))
	require.Equal(t, one+9*per, ten)
	require.Equal(t, one+99*per, hundred)
	again := taken(all[:110]) - none
	require.LessOrEqual(t, again, int64(110*4+2), "a repeat is known at once")
	t.Logf("%d statements an operation, %d a repeat", per, again/110)
}

// TestSyncReadsNoHistory holds that what an operation refers to is found by an index, however
// much the device has sent, and though nobody has counted the rows yet.
func TestSyncReadsNoHistory(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t))
	nurse := b.as("Nurse")
	nurse.sync("tablet", registrations(200)...)
	nurse.queued("tablet", registrations(300)...)
	for name, query := range map[string]struct {
		sql  string
		args []any
	}{
		"names": {db.SyncNames, []any{[]string{"p7", "p8"}, nurse.user.ID, "tablet"}},
		"again": {db.SyncOperationGet, []any{nurse.user.ID, "tablet", uuid.New()}},
		"next":  {db.SyncNext, []any{nurse.user.ID, "tablet"}},
		"row":   {db.SyncRowAt, []any{"patients", 1, 1}},
	} {
		lines, err := b.db.Query(t.Context(), "EXPLAIN ANALYZE "+query.sql, query.args...)
		require.NoError(t, err, name)
		plan, err := pgx.CollectRows(lines, pgx.RowTo[string])
		require.NoError(t, err, name)
		text := strings.Join(plan, "\n")
		require.NotContains(t, text, "Rows Removed", name)
		require.NotContains(t, text, "Seq Scan on core_sync", name)
	}
}

// BenchmarkSync registers patients: each by a request, together while the caller waits, and in
// the background.
func BenchmarkSync(b *testing.B) {
	bundle := setupOn(b, testkit.Pool(b))
	nurse := bundle.as("Nurse")
	b.Run("by requests", func(b *testing.B) {
		for b.Loop() {
			for _, o := range registrations(200) {
				require.Equal(b, 201, nurse.call("POST", "/api/patients/", o.(record)["data"]).status)
			}
		}
		b.ReportMetric(float64(200*b.N)/b.Elapsed().Seconds(), "ops/s")
	})
	b.Run("at once", func(b *testing.B) {
		for b.Loop() {
			nurse.sync(testkit.Unique("tablet"), registrations(200)...)
		}
		b.ReportMetric(float64(200*b.N)/b.Elapsed().Seconds(), "ops/s")
	})
	b.Run("in the background", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, bundle.work(b.Context(), nurse.queued(testkit.Unique("tablet"), registrations(1000)...)))
		}
		b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "ops/s")
	})
}
