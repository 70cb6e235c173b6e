package worker_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/gen/db"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// writes change what the figures are of. {n} is a number, {at} a moment, and a table in
// braces the id of one of its rows. What a law of the tables forbids is refused.
var writes = []string{
	`INSERT INTO core_patient (first_name, last_name, date_of_birth, gender, created_at) VALUES ('A', 'B', '1990-01-01', 'F', {at})`,
	`INSERT INTO core_appointment (patient_id, doctor_id, date, time, starts_at, ends_at, overbook_reason)
		VALUES ({core_patient}, {core_user}, '2026-01-01', '08:00', {at}, {at} + interval '1 minute', 'busy')`,
	`INSERT INTO core_encounter (patient_id, doctor_id, notes, created_at) VALUES ({core_patient}, {core_user}, 'x', {at})`,
	`INSERT INTO core_prescription (encounter_id, medication_name, dosage, frequency, created_at)
		VALUES ({core_encounter}, (ARRAY ['Amoxil', 'AMOXIL', 'Panadol'])[{n} % 3 + 1], '1', '1', {at})`,
	`INSERT INTO core_bill (patient_id, date_issued) VALUES ({core_patient}, {at})`,
	`INSERT INTO core_billitem (bill_id, description, amount, quantity)
		SELECT id, 'x', {n} % 1000 + 0.25, 2 FROM core_bill WHERE id % 3 = {n} % 3`,
	`INSERT INTO core_payment (bill_id, amount, method, payment_date)
		SELECT id, (total_amount - amount_paid) / ({n} % 2 + 1), (ARRAY ['Cash', 'Card'])[{n} % 2 + 1], {at} FROM core_bill WHERE NOT is_paid`,
	`INSERT INTO core_refund (payment_id, amount, reason, created_at)
		SELECT id, 0.01, 'x', {at} FROM core_payment WHERE id IN ({core_payment}, {core_payment} + 1)`,
	`INSERT INTO core_auditlog (user_id, action, timestamp) VALUES
		(nullif({n} % 4, 0), (ARRAY ['create', 'edit', 'delete', 'login', 'logout', 'view'])[{n} % 6 + 1], {at})`,
	`UPDATE core_patient SET merged_into_id = {core_patient}, created_at = {at} WHERE id <> {core_patient} AND id % 2 = {n} % 2`,
	`UPDATE core_patient SET merged_into_id = NULL WHERE id = {core_patient}`,
	`UPDATE core_appointment SET doctor_id = {core_user}, updated_at = {at} WHERE id = {core_appointment}`,
	`UPDATE core_prescription SET medication_name = 'Panadol', updated_at = {at} WHERE id = {core_prescription}`,
	`UPDATE core_billitem SET amount = {n} % 500, quantity = 3 WHERE id = {core_billitem}`,
	`UPDATE core_payment SET method = (ARRAY ['Cash', 'Card', 'Insurance'])[{n} % 3 + 1] WHERE id >= {core_payment}`,
	`UPDATE core_payment SET amount = {n} % 700 + 1, payment_date = {at} WHERE id = {core_payment}`,
	`DELETE FROM core_payment WHERE id = {core_payment}`,
	`DELETE FROM core_bill WHERE id = {core_bill}`,
	`DELETE FROM core_prescription WHERE id = {core_prescription}`,
	`DELETE FROM core_encounter WHERE id = {core_encounter}`,
	`DELETE FROM core_appointment WHERE id = {core_appointment}`,
	`DELETE FROM core_patient WHERE id = {core_patient}`,
}

var named = regexp.MustCompile(`\{(core_\w+)\}`)

func statement(kind, n int, at time.Time) string {
	sql := named.ReplaceAllString(writes[kind],
		"(SELECT id FROM $1 ORDER BY id OFFSET {n} % greatest((SELECT count(*) FROM $1), 1) LIMIT 1)")
	return strings.NewReplacer("{n}", strconv.Itoa(n), "{at}", at.Format("timestamptz '2006-01-02T15:04:05Z'")).Replace(sql)
}

// write runs one of the writes and reports whether it was done. Only the laws of the
// tables, and others in the way, may refuse it.
func write(ctx context.Context, conn pg.DB, kind, n int, at time.Time) (bool, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, statement(kind, n, at)); err != nil {
		_ = tx.Rollback(ctx)
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok && (refused.Code[:2] == "23" || refused.Code[:2] == "40") {
			return false, nil
		}
		return false, err
	}
	return true, tx.Commit(ctx)
}

// requireTrue requires that the figures are what they should be.
func requireTrue(t require.TestingT, conn pg.DB) {
	var wrong []string
	require.NoError(t, conn.QueryRow(context.Background(), `
		SELECT coalesce(array_agg(format('%s %s %s: %s and %s too much', name, bucket, key, count, amount)), '{}') FROM (
			SELECT name, bucket, key, sum(count) AS count, sum(amount) AS amount FROM (
				SELECT * FROM core_figure_current
				UNION ALL SELECT name, bucket, key, -count, -amount FROM core_figure_source) both_sides
			GROUP BY name, bucket, key) difference
		WHERE count <> 0 OR amount <> 0`).Scan(&wrong))
	require.Empty(t, wrong)
}

func TestFiguresAreWhatTheirSourceSays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	conn := testkit.Tx(t)
	for range 3 {
		testkit.User(t, conn, "Doctor")
	}
	start := time.Date(2026, 1, 31, 20, 0, 0, 0, time.UTC)
	var done [64]atomic.Int32
	rapid.Check(t, func(rt *rapid.T) {
		tx, err := conn.Begin(ctx)
		require.NoError(rt, err)
		defer func() { _ = tx.Rollback(ctx) }()
		for range rapid.IntRange(20, 60).Draw(rt, "writes") {
			kind := rapid.IntRange(0, len(writes)-1).Draw(rt, "kind")
			at := start.Add(time.Duration(rapid.IntRange(0, 600).Draw(rt, "minutes")) * time.Minute)
			ok, err := write(ctx, tx, kind, rapid.IntRange(0, 1000).Draw(rt, "n"), at)
			require.NoError(rt, err, writes[kind])
			if ok {
				done[kind].Add(1)
			}
			if rapid.IntRange(0, 5).Draw(rt, "fold") == 0 {
				_, err := db.New().FiguresFold(ctx, tx, rapid.Int32Range(1, 20).Draw(rt, "at most"))
				require.NoError(rt, err)
			}
		}
		requireTrue(rt, tx)
	})
	for kind, sql := range writes {
		require.Positive(t, done[kind].Load(), sql)
	}
}

// TestFiguresLoseNothing lets writers and two folders at work at once.
func TestFiguresLoseNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := testkit.Pool(t)
	for range 3 {
		testkit.User(t, pool, "Doctor")
	}
	var writers, folders sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		folders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := db.New().FiguresFold(ctx, pool, 7); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for writer := range 16 {
		writers.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(writer), 1))
			for range 60 {
				at := time.Date(2026, 1, 31, 20, dice.IntN(600), 0, 0, time.UTC)
				if _, err := write(ctx, pool, dice.IntN(len(writes)), dice.IntN(1000), at); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	folders.Wait()
	requireTrue(t, pool)

	for folded := int64(1); folded > 0; {
		var err error
		folded, err = db.New().FiguresFold(ctx, pool, 1000)
		require.NoError(t, err)
	}
	require.Zero(t, count(t, pool, "core_figuredelta"))
	require.NotZero(t, count(t, pool, "core_figure"))
	requireTrue(t, pool)
	_, err := pool.Exec(ctx, "SELECT core_figures_rebuild()")
	require.NoError(t, err)
	requireTrue(t, pool)
}

// TestRefundGoesWithTheMethod lets refunds and changes of the method meet.
func TestRefundGoesWithTheMethod(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := testkit.Pool(t)
	payment := testkit.Payment(t, pool, testkit.Bill(t, pool, testkit.Patient(t, pool, nil).ID, "100.00").ID, "100.00")
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 10 {
				sql := "INSERT INTO core_refund (payment_id, amount, reason) VALUES ($1, 0.01, 'x')"
				if i%2 == 0 {
					sql = "UPDATE core_payment SET method = CASE method WHEN 'Cash' THEN 'Card' ELSE 'Cash' END WHERE id = $1"
				}
				if _, err := pool.Exec(ctx, sql, payment.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	requireTrue(t, pool)
}
