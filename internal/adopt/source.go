package adopt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ErrNotDjango is the answer to a source that is no CHELAL hospital of the Django system.
var ErrNotDjango = errors.New("the database at --from is not a CHELAL hospital of the Django system: it has no django_migrations or no core_patient")

// table is one of the source, with the columns that are taken over and their types here.
type table struct {
	name    string
	columns []column
}

type column struct{ name, kind string }

// tables are what the Django system's migrations make, each behind those that it refers to.
var tables = []table{
	of("role", "id bigint, name text, description text"),
	of("user", "id bigint, username text, email text, first_name text, last_name text, date_joined timestamptz, last_login timestamptz,"+
		"is_active boolean, is_staff boolean, is_superuser boolean, password text, role_id bigint, language_preference text,"+
		"preferences jsonb, profile_image text, two_factor_enabled boolean, two_factor_secret text"),
	of("patient", "id bigint, unique_id text, first_name text, last_name text, date_of_birth date, gender text, contact_info text,"+
		"address text, known_allergies text, created_at timestamptz, updated_at timestamptz"),
	of("appointment", "id bigint, date date, time time, status text, notes text, created_at timestamptz, updated_at timestamptz,"+
		"doctor_id bigint, patient_id bigint"),
	of("encounter", "id bigint, notes text, diagnosis text, created_at timestamptz, updated_at timestamptz, appointment_id bigint,"+
		"doctor_id bigint, patient_id bigint"),
	of("prescription", "id bigint, medication_name text, dosage text, frequency text, duration text, instructions text,"+
		"created_at timestamptz, updated_at timestamptz, encounter_id bigint"),
	of("medication", "id bigint, name text, generic_name text, description text, unit text, current_stock integer, reorder_level integer,"+
		"updated_at timestamptz"),
	of("bill", "id bigint, date_issued timestamptz, total_amount numeric, is_paid boolean, notes text, encounter_id bigint, patient_id bigint"),
	of("billitem", "id bigint, description text, amount numeric, quantity integer, bill_id bigint"),
	of("payment", "id bigint, amount numeric, payment_date timestamptz, method text, reference text, bill_id bigint, received_by_id bigint"),
	of("notification", "id bigint, title text, message text, type text, is_read boolean, created_at timestamptz,"+
		"related_appointment_id bigint, user_id bigint"),
	of("rolechangerequest", "id bigint, reason text, status text, review_notes text, created_at timestamptz, updated_at timestamptz,"+
		"requested_role_id bigint, reviewed_by_id bigint, user_id bigint"),
	of("loginactivity", "id bigint, timestamp timestamptz, ip_address inet, user_agent text, status text, user_id bigint"),
	of("systemsetting", "id bigint, key text, value text, description text, category text, is_public boolean, updated_at timestamptz"),
	of("auditlog", "id bigint, action text, object_type text, object_id text, description text, timestamp timestamptz, details jsonb, user_id bigint"),
}

// leftBehind are tables that have no meaning here: permissions go by role, and nobody stays
// signed in. A row in one of them that says more than that is told.
var leftBehind = []string{"core_user_groups", "core_user_user_permissions"}

func of(name, columns string) table {
	t := table{name: name}
	for _, c := range strings.Split(columns, ",") {
		name, kind, _ := strings.Cut(strings.TrimSpace(c), " ")
		t.columns = append(t.columns, column{name, kind})
	}
	return t
}

// copied is the table of the rows as they were, in this database.
func (t table) copied() string { return pgx.Identifier{"adoption", t.name}.Sanitize() }

// here is the table that they go to.
func (t table) here() string { return pgx.Identifier{"core_" + t.name}.Sanitize() }

func (t table) list(of func(column) string) string {
	var all []string
	for _, c := range t.columns {
		all = append(all, of(c))
	}
	return strings.Join(all, ", ")
}

// source is the Django system's database, at one moment.
type source struct{ tx pgx.Tx }

func open(ctx context.Context, conn *pgx.Conn) (*source, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	s := &source{tx}
	if err := s.check(ctx); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

func (s *source) close(ctx context.Context) { _ = s.tx.Rollback(context.WithoutCancel(ctx)) } // it only read

// check refuses a database that lacks a table or a column.
func (s *source) check(ctx context.Context) error {
	rows, err := s.tx.Query(ctx, `SELECT table_name::text, array_agg(column_name::text) FROM information_schema.columns
		WHERE table_schema = 'public' GROUP BY table_name`)
	if err != nil {
		return err
	}
	there := map[string]map[string]bool{}
	var name string
	var columns []string
	if _, err := pgx.ForEachRow(rows, []any{&name, &columns}, func() error {
		there[name] = map[string]bool{}
		for _, c := range columns {
			there[name][c] = true
		}
		return nil
	}); err != nil {
		return err
	}
	if there["django_migrations"] == nil || there["core_patient"] == nil {
		return ErrNotDjango
	}
	var missing []string
	for _, t := range tables {
		for _, c := range t.columns {
			if !there["core_"+t.name][c.name] {
				missing = append(missing, "core_"+t.name+"."+c.name)
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the database at --from lacks %s: migrate the Django system to its last version first", strings.Join(missing, ", "))
	}
	return nil
}

// unknown answers the columns of a table that nothing is made of, and how many rows have something in them.
func (s *source) unknown(ctx context.Context, t table) (map[string]int64, error) {
	rows, err := s.tx.Query(ctx, `SELECT column_name::text FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name = $1 AND column_name <> ALL ($2)`,
		"core_"+t.name, strings.Split(t.list(func(c column) string { return c.name }), ", "))
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	unknown := map[string]int64{}
	for _, name := range names {
		var filled int64
		if err := s.tx.QueryRow(ctx, fmt.Sprintf("SELECT count(%s) FROM %s", pgx.Identifier{name}.Sanitize(), t.here())).Scan(&filled); err != nil {
			return nil, err
		}
		unknown[name] = filled
	}
	return unknown, nil
}

func (s *source) count(ctx context.Context, table string) (n int64, err error) {
	var exists bool
	if err := s.tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", table).Scan(&exists); err != nil || !exists {
		return 0, err
	}
	err = s.tx.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n)
	return n, err
}

// copyTo copies a table's rows into tx as they are.
func (s *source) copyTo(ctx context.Context, tx pgx.Tx, t table) error {
	if _, err := tx.Exec(ctx, fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (id))", t.copied(), t.list(func(c column) string {
		return pgx.Identifier{c.name}.Sanitize() + " " + c.kind
	}))); err != nil {
		return err
	}
	read, write := io.Pipe()
	go func() {
		_, err := s.tx.Conn().PgConn().CopyTo(ctx, write, fmt.Sprintf("COPY (SELECT %s FROM %s) TO STDOUT (FORMAT binary)",
			t.list(func(c column) string { return pgx.Identifier{c.name}.Sanitize() + "::" + c.kind }), t.here()))
		_ = write.CloseWithError(err) // never fails
	}()
	_, err := tx.Conn().PgConn().CopyFrom(ctx, read, fmt.Sprintf("COPY %s FROM STDIN (FORMAT binary)", t.copied()))
	_ = read.CloseWithError(err) // never fails; ends the other side when this one broke off
	if err != nil {
		return fmt.Errorf("copy core_%s: %w", t.name, err)
	}
	_, err = tx.Exec(ctx, "ANALYZE "+t.copied())
	return err
}
