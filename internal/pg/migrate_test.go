package pg_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// fixtures has one row for every table that the migrations make.
var fixtures = []string{
	`INSERT INTO core_user (username, password, role_id) SELECT 'fixture', '!', id FROM core_role WHERE name = 'Doctor'`,
	`INSERT INTO core_rolechangerequest (user_id, requested_role_id) SELECT u.id, r.id FROM core_user u, core_role r LIMIT 1`,
	`INSERT INTO core_session (id, user_id, expires_at) SELECT gen_random_uuid(), id, now() FROM core_user`,
	`INSERT INTO core_refreshtoken (session_id, token_hash, expires_at) SELECT id, 'x', now() FROM core_session`,
	`INSERT INTO core_loginactivity (username) VALUES ('fixture')`,
	`INSERT INTO core_recoverycode (user_id, code_hash) SELECT id, 'x' FROM core_user`,
	`INSERT INTO core_patient (first_name, last_name, date_of_birth, gender) VALUES ('A', 'B', '1990-01-15', 'F')`,
	`INSERT INTO core_patientidentifier (patient_id, system, value) SELECT id, 'csv', '1' FROM core_patient`,
	`INSERT INTO core_appointment (patient_id, doctor_id, date, time, starts_at, ends_at)
		SELECT p.id, u.id, '2026-01-15', '10:00', '2026-01-15T10:00:00Z', '2026-01-15T10:30:00Z' FROM core_patient p, core_user u`,
	`INSERT INTO core_encounter (patient_id, doctor_id, notes) SELECT p.id, u.id, 'x' FROM core_patient p, core_user u`,
	`INSERT INTO core_medication (name) VALUES ('Amoxicillin')`,
	`INSERT INTO core_prescription (encounter_id, medication_name, dosage, frequency) SELECT id, 'Amoxicillin', '1', '1' FROM core_encounter`,
	`INSERT INTO core_stockmovement (medication_id, quantity, kind, reason) SELECT id, 7, 'opening', 'x' FROM core_medication`,
	`INSERT INTO core_patientmerge (survivor_id, duplicate_id, allergies_before, allergies_after) SELECT id, id, '', '' FROM core_patient`,
	`INSERT INTO core_patientmergerow (merge_id, table_name, row_id) SELECT id, 'core_bill', 1 FROM core_patientmerge`,
	`INSERT INTO core_bill (patient_id) SELECT id FROM core_patient`,
	`INSERT INTO core_billitem (bill_id, description, amount) SELECT id, 'x', 1 FROM core_bill`,
	`INSERT INTO core_serviceitem (code, name, price) VALUES ('CONS', 'Consultation', 150)`,
	`INSERT INTO core_payment (bill_id, amount, method) SELECT id, 1, 'Cash' FROM core_bill`,
	`SELECT core_figures_fold(4)`,
	`INSERT INTO core_refund (payment_id, amount, reason) SELECT id, 0.5, 'x' FROM core_payment`,
	`WITH n AS (UPDATE core_documentcounter SET last = last + 1 WHERE kind = 'invoice' RETURNING kind, last)
		INSERT INTO core_documentnumber (kind, number, bill_id) SELECT n.kind, n.last, b.id FROM n, core_bill b`,
	`INSERT INTO core_notification (user_id, message) SELECT id, 'x' FROM core_user`,
	`INSERT INTO core_reportfile (requested_by_id, kind, format, date_from, date_to, created_at)
		SELECT id, 'bills', 'csv', '2026-01-01', '2026-01-31', now() FROM core_user`,
	`INSERT INTO core_event (topic, type) VALUES ('access', 'access.changed')`,
	`INSERT INTO core_ticket (hash, purpose, session_id, user_id, expires_at) VALUES ('x', 'socket', gen_random_uuid(), 1, now()), ('y', 'jobs', gen_random_uuid(), 1, now())`,
	`INSERT INTO core_maildelivery (appointment_id, patient_id, doctor_id, kind, occurrence, date, time, duration_minutes, starts_at)
		SELECT id, patient_id, doctor_id, 'booked', version, date, time, duration_minutes, starts_at FROM core_appointment`,
	`INSERT INTO core_auditlog (action) VALUES ('create')`,
	`INSERT INTO core_auditlog (action, timestamp) VALUES ('create', '1999-01-01')`,
	`INSERT INTO core_auditseal (era, from_xid, to_xid, partition_name, row_count, sealed_at, content, hash, signature)
		VALUES (1, '0', '1', 'core_auditlog_default', 1, now(), '', '', '')`,
	`INSERT INTO core_syncoperation (user_id, device_id, op_id, hash, entity, action, status, result, created_at)
		SELECT id, 'x', gen_random_uuid(), 'x', 'patients', 'create', 'applied', '{}', now() FROM core_user`,
	`INSERT INTO core_syncbatch (id, user_id, device_id, total, created_at, updated_at) SELECT gen_random_uuid(), id, 'x', 1, now(), now() FROM core_user`,
	`INSERT INTO core_syncbatchoperation (batch_id, position, operation) SELECT id, 1, '{}' FROM core_syncbatch`,
	`INSERT INTO core_adoptionissue (table_name, row_id, column_name, code) VALUES ('patient', 1, 'gender', 'gender_unknown')`,
	`INSERT INTO core_adoptionstep (name) VALUES ('copy')`,
	`INSERT INTO core_idempotencykey (user_id, operation, key, request_hash, status, header, body) VALUES (0, 'x', 'x', 'x', 200, '{}', '')`,
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := testkit.EmptyURL(t)

	var group errgroup.Group
	for range 4 {
		group.Go(func() error { return pg.MigrateUp(ctx, url) })
	}
	require.NoError(t, group.Wait(), "several may migrate at once")
	status, err := pg.MigrateStatus(ctx, url)
	require.NoError(t, err)
	require.Equal(t, status.Latest, status.Version)

	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	for _, sql := range fixtures {
		_, err := conn.Exec(ctx, sql)
		require.NoError(t, err, sql)
	}
	for _, table := range tables(t, conn) {
		var n int
		require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n))
		require.NotZero(t, n, "%s has no fixture row", table)
	}

	require.NoError(t, pg.MigrateDown(ctx, url, 1))
	require.NoError(t, pg.MigrateUp(ctx, url))
	require.NoError(t, pg.MigrateDown(ctx, url, 0))
	require.Empty(t, tables(t, conn), "down takes everything back")
	var functions int
	require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM pg_proc WHERE proname LIKE 'core\\_%'").Scan(&functions))
	require.Zero(t, functions)
	require.NoError(t, pg.MigrateUp(ctx, url))
	require.NotEmpty(t, tables(t, conn))
	require.NoError(t, conn.Close(ctx))
}

// released is the schema of the last release, from which hospitals come.
const released = 19

// releasedURL returns the address of a database with that schema.
func releasedURL(t *testing.T) string {
	t.Helper()
	url := testkit.EmptyURL(t)
	require.NoError(t, pg.MigrateUp(t.Context(), url))
	status, err := pg.MigrateStatus(t.Context(), url)
	require.NoError(t, err)
	require.NoError(t, pg.MigrateDown(t.Context(), url, int(status.Latest)-released))
	return url
}

// TestAHospitalWorksThroughAMigration has people register, sign in and look while two
// processes migrate from the last release: nobody is refused, and nothing is lost.
func TestAHospitalWorksThroughAMigration(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	url := releasedURL(t)
	pool, err := pg.Open(ctx, url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(ctx, `INSERT INTO core_patient (first_name, last_name, date_of_birth, gender) SELECT 'Ann', 'Lee' || n, '1990-01-15', 'F' FROM generate_series(1, 5000) n;
		INSERT INTO core_auditlog (action, patient_id) SELECT 'view', n FROM generate_series(1, 50000) n;
		INSERT INTO core_loginactivity (username, timestamp) SELECT 'user' || n, now() - n * interval '1 hour' FROM generate_series(1, 20000) n`)
	require.NoError(t, err)

	var done, stop atomic.Int64
	var all errgroup.Group
	for range 4 {
		all.Go(func() error {
			for stop.Load() == 0 {
				if err := pg.InTx(ctx, pool, func(tx pgx.Tx) error {
					_, err := tx.Exec(ctx, `WITH p AS (INSERT INTO core_patient (first_name, last_name, date_of_birth, gender) VALUES ('Jane', 'Doe', '1990-01-15', 'F') RETURNING id)
						INSERT INTO core_auditlog (action, object_type, patient_id) SELECT 'create', 'patient', id FROM p`)
					if err == nil {
						_, err = tx.Exec(ctx, "INSERT INTO core_loginactivity (username) VALUES ('jane')")
					}
					return err
				}); err != nil {
					return err
				}
				done.Add(1)
				var n int64
				if err := pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM core_auditlog WHERE patient_id = 7) + (SELECT count(*) FROM core_loginactivity
					WHERE username = 'user7' AND timestamp > now() - interval '1 day')`).Scan(&n); err != nil {
					return err
				}
				if n != 2 {
					return fmt.Errorf("read %d rows of 2", n)
				}
			}
			return nil
		})
	}
	require.Eventually(t, func() bool { return done.Load() > 50 }, time.Minute, time.Millisecond)
	report, err := pool.Begin(ctx) // a long report, whose locks the migration must not have others wait for
	require.NoError(t, err)
	_, err = report.Exec(ctx, "SELECT count(*) FROM core_auditlog")
	require.NoError(t, err)
	var migrating errgroup.Group
	for range 2 {
		migrating.Go(func() error { return pg.MigrateUp(ctx, url) })
	}
	during := done.Load()
	require.Eventually(t, func() bool { return done.Load() > during+50 }, time.Minute, time.Millisecond, "who waits for the report lets the others pass")
	version, err := pg.MigrateStatus(ctx, url)
	require.NoError(t, err)
	require.EqualValues(t, released, version.Version)
	require.NoError(t, report.Rollback(ctx))
	require.NoError(t, migrating.Wait())
	after := done.Load()
	require.Eventually(t, func() bool { return done.Load() > after+50 }, time.Minute, time.Millisecond)
	stop.Store(1)
	require.NoError(t, all.Wait(), "nobody is refused")
	var patients, audited, attempts, ids int64
	require.NoError(t, pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM core_patient WHERE first_name = 'Jane'), (SELECT count(*) FROM core_auditlog WHERE action = 'create'),
		count(*), count(DISTINCT id) FROM core_loginactivity`).Scan(&patients, &audited, &attempts, &ids))
	var invalid int
	require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM pg_index WHERE NOT indisvalid").Scan(&invalid))
	require.Zero(t, invalid, "every partition has its indexes")
	require.Equal(t, []int64{done.Load(), done.Load(), 20_000 + done.Load(), 20_000 + done.Load()}, []int64{patients, audited, attempts, ids})
}

// TestAMigrationThatIsCutOffGoesOn ends the session of one that waits in the middle of its
// transaction, and the one of an index that is being built.
func TestAMigrationThatIsCutOffGoesOn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	url := releasedURL(t)
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer conn.Close(ctx)
	for _, test := range []struct{ reads, waits string }{
		{"FROM core_auditlog", "SET LOCAL%ALTER TABLE core_auditlog%"},
		{"", "CREATE INDEX CONCURRENTLY%"},
	} {
		report, err := pgx.Connect(ctx, url)
		require.NoError(t, err)
		_, err = report.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) "+test.reads)
		require.NoError(t, err)
		var migrating errgroup.Group
		migrating.Go(func() error { return pg.MigrateUp(ctx, url) })
		require.Eventually(t, func() bool {
			var n int
			require.NoError(t, conn.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE datname = current_database() AND query LIKE $1 AND wait_event_type = 'Lock'`, test.waits).Scan(&n))
			return n > 0
		}, time.Minute, time.Millisecond)
		require.Error(t, migrating.Wait())
		require.NoError(t, report.Close(ctx))
	}
	require.NoError(t, pg.MigrateUp(ctx, url))
	status, err := pg.MigrateStatus(ctx, url)
	require.NoError(t, err)
	require.Equal(t, status.Latest, status.Version)
	var invalid int
	require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM pg_index WHERE NOT indisvalid").Scan(&invalid))
	require.Zero(t, invalid)
}

func tables(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(context.Background(), `SELECT c.oid::regclass::text FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND c.relname LIKE 'core\_%' ORDER BY 1`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

func TestTheAuditLogIsAppendOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := testkit.Pool(t)
	_, err := pool.Exec(ctx, "INSERT INTO core_auditlog (action) VALUES ('create'), ('edit')")
	require.NoError(t, err)
	rows, err := pool.Query(ctx, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'core_auditlog'::regclass")
	require.NoError(t, err)
	partitions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Len(t, partitions, 5, "this month, three ahead, and the rest")
	_, err = pool.Exec(ctx, `INSERT INTO core_auditlog (action, timestamp) SELECT 'create', now() + make_interval(months => m) FROM generate_series(1, 3) m
		UNION ALL SELECT 'create', '1999-01-01'`)
	require.NoError(t, err)
	_, err = pool.Exec(ctx, `INSERT INTO core_auditseal (era, from_xid, to_xid, partition_name, row_count, sealed_at, content, hash, signature)
		VALUES (1, '0', '1', 'core_auditlog_default', 1, now(), '', '', '')`)
	require.NoError(t, err)
	for _, table := range append(partitions, "core_auditlog", "core_auditseal") {
		for _, sql := range []string{"TRUNCATE ", "DELETE FROM "} {
			_, err = pool.Exec(ctx, sql+table)
			require.ErrorContains(t, err, "never changed", sql+table)
		}
		_, err = pool.Exec(ctx, "UPDATE "+table+" SET id = id")
		require.ErrorContains(t, err, "never changed", table)
	}
	_, err = pool.Exec(ctx, "SELECT core_auditlog_partitions(6)")
	require.NoError(t, err, "more months ahead")
}

// TestConstraintNames holds that every constraint that is turned into an answer exists,
// and that the indexes that the documentation names are there.
func TestConstraintNames(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	conn := testkit.Tx(t)
	for _, name := range append(slices.Collect(maps.Keys(pg.Constraints)), slices.Collect(maps.Keys(pg.InUse))...) {
		var exists bool
		require.NoError(t, conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = $1)
			OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indexrelid = to_regclass($1) AND i.indisunique)`, name).Scan(&exists))
		require.True(t, exists, name)
	}
	for _, name := range []string{"idx_patient_unique_id", "idx_patient_name", "idx_appointment_date", "idx_appointment_doctor_date",
		"idx_appointment_patient", "idx_auditlog_timestamp", "idx_auditlog_user", "idx_bill_patient", "idx_bill_date",
		"idx_payment_date", "idx_rolechange_user", "idx_rolechange_status"} {
		var found *string
		require.NoError(t, conn.QueryRow(ctx, "SELECT to_regclass($1)::text", name).Scan(&found))
		require.NotNil(t, found, name)
	}
}

// TestEveryForeignKeyHasAnIndex: without one, a deletion reads the whole referring table.
func TestEveryForeignKeyHasAnIndex(t *testing.T) {
	t.Parallel()
	rows, err := testkit.Tx(t).Query(context.Background(), `SELECT c.conname FROM pg_constraint c
		WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND NOT EXISTS (
			SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])`)
	require.NoError(t, err)
	missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, missing)
}

// TestPatientNumbers holds that numbers are one to one and that their last sign detects
// a wrong sign and two swapped ones.
func TestPatientNumbers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	conn := testkit.Tx(t)
	var distinct int
	require.NoError(t, conn.QueryRow(ctx, "SELECT count(DISTINCT core_patient_number(n)) FROM generate_series(0, 20000) n").Scan(&distinct))
	require.Equal(t, 20001, distinct)
	rows, err := conn.Query(ctx, "SELECT core_patient_number(n * 1375630705::bigint) FROM generate_series(0, 20) n")
	require.NoError(t, err)
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, number := range numbers {
		require.True(t, checks(number), number)
		for i := range number {
			for _, sign := range signs {
				wrong := number[:i] + string(sign) + number[i+1:]
				require.Equal(t, wrong == number, checks(wrong), "%s for %s", wrong, number)
			}
			if i > 0 {
				swapped := number[:i-1] + string(number[i]) + string(number[i-1]) + number[i+1:]
				require.Equal(t, swapped == number, checks(swapped), "%s for %s", swapped, number)
			}
		}
	}
}

const signs = "123456789ABCDEFGHJKMNPQRSTVWXYZ"

func checks(number string) bool {
	total := 0
	for i, sign := range number[:7] {
		total += (i + 2) * indexOf(sign)
	}
	return total%31 == indexOf(rune(number[7]))
}

func indexOf(sign rune) int {
	for i, s := range signs {
		if s == sign {
			return i
		}
	}
	return -1
}
