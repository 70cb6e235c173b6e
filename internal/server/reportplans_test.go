package server_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/seed"
	"chelal/internal/testkit"
)

// watched keeps two plans of every statement that it runs: the one for these arguments,
// and the one for any, which PostgreSQL may use after a while.
type watched struct {
	*pgxpool.Pool
	t          *testing.T
	statements int
	plans      []string
}

func (w *watched) explain(ctx context.Context, sql string, args []any) {
	w.statements++
	require.NoError(w.t, pgx.BeginFunc(ctx, w.Pool, func(tx pgx.Tx) error {
		w.keep(ctx, tx, sql, "EXPLAIN "+sql, args...)
		_, err := tx.Exec(ctx, "SET LOCAL plan_cache_mode = force_generic_plan; PREPARE asked AS "+sql, pgx.QueryExecModeSimpleProtocol)
		require.NoError(w.t, err)
		execute := "EXPLAIN EXECUTE asked"
		if len(args) > 0 {
			execute += "(" + strings.Repeat("NULL, ", len(args)-1) + "NULL)"
		}
		w.keep(ctx, tx, sql, execute, pgx.QueryExecModeSimpleProtocol)
		_, err = tx.Exec(ctx, "DEALLOCATE asked")
		return err
	}))
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

// readsAll finds a plan that reads the whole of a table that grows with the years. Of the
// audit log only its last partition is full here, whatever day it is.
var readsAll = regexp.MustCompile(`Seq Scan on core_(patient|appointment|encounter|prescription|bill|payment|auditlog_default|notification)\b`)

// TestReportsAtScale holds that no report reads a whole table after years, and that each
// asks the same few questions as on the first day.
func TestReportsAtScale(t *testing.T) {
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
	fill(t, w.Pool, b.now, 100_000)
	for _, path := range reportPaths {
		w.statements, w.plans = 0, nil
		require.Equal(t, 200, admin.call("GET", path, nil).status)
		require.Equal(t, asked[path], w.statements, path)
		for _, plan := range w.plans {
			require.NotRegexp(t, readsAll, plan)
		}
	}
}

// fill adds so many rows to each of the large tables. Bulk loads run without triggers and
// make the figures anew.
func fill(t *testing.T, pool *pgxpool.Pool, now time.Time, rows int) {
	t.Helper()
	ctx := t.Context()
	_, err := seed.Run(ctx, pool, seed.Options{Patients: rows, Appointments: rows, RNGSeed: 1, Now: now.UTC()})
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf(`
			SET LOCAL session_replication_role = replica;
			INSERT INTO core_encounter (patient_id, doctor_id, notes, created_at)
			SELECT patient_id, doctor_id, 'x', starts_at FROM core_appointment LIMIT %[1]d;
			INSERT INTO core_prescription (encounter_id, medication_name, dosage, frequency, created_at)
			SELECT id, 'Medication ' || id %% 300, '1', '1', created_at FROM core_encounter;
			INSERT INTO core_bill (patient_id, date_issued, total_amount, amount_paid, due_date)
			SELECT patient_id, created_at, 10, 10 * least(id %% 5, 1), created_at + interval '1 month' FROM core_encounter;
			INSERT INTO core_payment (bill_id, amount, method, payment_date)
			SELECT id, 10, (ARRAY ['Cash', 'Card', 'Insurance'])[id %% 3 + 1], date_issued FROM core_bill WHERE is_paid;
			INSERT INTO core_auditlog (user_id, username, action, object_type, object_id, timestamp)
			SELECT a.doctor_id, 'x', (ARRAY ['create', 'edit', 'login'])[a.id %% 3 + 1], 'appointment', a.id, $1::timestamptz - a.id * interval '25 seconds'
			FROM core_appointment a;
			INSERT INTO core_notification (user_id, message, is_read)
			SELECT doctor_id, 'x', id %% 10 > 0 FROM core_appointment;
			SET LOCAL session_replication_role = origin;
			SELECT core_figures_rebuild()`, rows), pgx.QueryExecModeSimpleProtocol, now)
		return err
	}))
	_, err = pool.Exec(ctx, "VACUUM ANALYZE")
	require.NoError(t, err)
}
