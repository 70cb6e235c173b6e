package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/gen/client"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func stockPath(id int64) string { return fmt.Sprintf("/api/medications/%d/stock/", id) }

// moves is the body of an adjustment.
func moves(quantity int) map[string]any {
	return map[string]any{"quantity": quantity, "reason": "Counted"}
}

func TestStock(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("an adjustment", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		pharmacist, m := b.as("Pharmacist"), testkit.Medication(t, b.db, 50)
		out, err := pharmacist.AdjustStockWithResponse(ctx, m.ID, nil, client.StockAdjustment{Quantity: -20, Reason: " Broken "})
		require.NoError(t, err)
		require.NotNil(t, out.JSON201, string(out.Body))
		moved := *out.JSON201
		require.Equal(t, [3]int64{m.ID, -20, 30}, [3]int64{moved.Medication, int64(moved.Quantity), int64(moved.StockAfter)})
		require.Equal(t, [3]string{"adjustment", "Broken", pharmacist.user.FirstName + " " + pharmacist.user.LastName},
			[3]string{string(moved.Kind), moved.Reason, moved.UserName})
		require.Equal(t, pharmacist.user.ID, moved.User.MustGet())
		require.True(t, moved.Prescription.IsNull())
		after := pharmacist.call("GET", medicationPath(m.ID), nil)
		require.Equal(t, [2]any{30.0, float64(m.Version + 1)}, [2]any{after.body["current_stock"], after.body["version"]})
		require.Equal(t, 201, b.as("Admin").call("POST", stockPath(m.ID), moves(5)).status)

		var details string
		require.NoError(t, b.db.QueryRow(ctx, `SELECT details::text FROM core_auditlog WHERE action = 'create'
			AND object_type = 'stockmovement' AND object_id = $1 AND user_id = $2`, fmt.Sprint(moved.ID), pharmacist.user.ID).Scan(&details))
		require.Contains(t, details, `"reason": "Broken"`)
	})

	t.Run("what a stock refuses", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		pharmacist, m := b.as("Pharmacist"), testkit.Medication(t, b.db, 50)
		short := pharmacist.call("POST", stockPath(m.ID), moves(-51)).refused(t, 409, "insufficient_stock")
		require.EqualValues(t, 50, short.body["available"])
		require.Equal(t, map[string]string{"quantity": "insufficient_stock"}, short.fields())
		full := testkit.Medication(t, b.db, 1e9-5)
		for path, quantity := range map[string]int{stockPath(m.ID): 1e6 + 1, stockPath(full.ID): 6} {
			require.Equal(t, map[string]string{"quantity": "too_large"},
				pharmacist.call("POST", path, moves(quantity)).refused(t, 400, "invalid").fields())
		}
		require.Equal(t, 201, pharmacist.call("POST", stockPath(full.ID), moves(5)).status)
		require.Equal(t, map[string]string{"quantity": "zero"},
			pharmacist.call("POST", stockPath(m.ID), moves(0)).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"quantity": "wrong_type", "reason": "blank", "kind": "read_only", "colour": "unknown_property"},
			pharmacist.call("POST", stockPath(m.ID), map[string]any{"quantity": 1.5, "reason": " ", "kind": "opening", "colour": "red"}).
				refused(t, 400, "invalid").fields())
		pharmacist.call("POST", stockPath(999999999), moves(1)).refused(t, 404, "not_found")
		b.as("Nurse").call("POST", stockPath(m.ID), moves(1)).refused(t, 403, "forbidden")
		require.Len(t, ledger(t, b, m.ID), 1)
		require.EqualValues(t, m.Version, pharmacist.call("GET", medicationPath(m.ID), nil).body["version"])
	})

	t.Run("a repeated adjustment moves nothing twice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		pharmacist, m, other := b.as("Pharmacist"), testkit.Medication(t, b.db, 50), testkit.Medication(t, b.db, 50)
		first := pharmacist.call("POST", stockPath(m.ID), moves(-7), "Idempotency-Key", "k")
		again := pharmacist.call("POST", stockPath(m.ID), moves(-7), "Idempotency-Key", "k")
		require.Equal(t, [2]any{201, first.raw}, [2]any{again.status, again.raw})
		pharmacist.call("POST", stockPath(m.ID), moves(-8), "Idempotency-Key", "k").refused(t, 422, "idempotency_key_reused")
		pharmacist.call("POST", stockPath(other.ID), moves(-7), "Idempotency-Key", "k").refused(t, 422, "idempotency_key_reused")
		require.Equal(t, 43, soundLedger(t, b.db, m.ID))
		require.Equal(t, 50, soundLedger(t, b.db, other.ID))
	})

	t.Run("the ledger is listed newest first", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		pharmacist, m := b.as("Pharmacist"), testkit.Medication(t, b.db, 1)
		testkit.Medication(t, b.db, 99)
		for range 4 {
			require.Equal(t, 201, pharmacist.call("POST", stockPath(m.ID), moves(1)).status)
		}
		for query, want := range map[string][]any{
			"":                                 {5.0, 4.0, 3.0, 2.0, 1.0},
			"?page_size=2":                     {5.0, 4.0, 3.0, 2.0, 1.0},
			"?page_size=2&cursor=":             {5.0, 4.0, 3.0, 2.0, 1.0},
			"?page_size=2&cursor=&ordering=id": {1.0, 2.0, 3.0, 4.0, 5.0},
		} {
			var stocks []any
			for _, row := range everyRow(t, pharmacist, stockPath(m.ID)+query) {
				stocks = append(stocks, row["stock_after"])
			}
			require.Equal(t, want, stocks, query)
		}
		list := pharmacist.call("GET", stockPath(m.ID), nil)
		require.EqualValues(t, 5, list.body["count"])
		newest, oldest := list.body["results"].([]any)[0].(map[string]any), list.body["results"].([]any)[4].(map[string]any)
		require.Equal(t, pharmacist.user.FirstName+" "+pharmacist.user.LastName, newest["user_name"])
		require.Equal(t, [3]any{"opening", nil, ""}, [3]any{oldest["kind"], oldest["user"], oldest["user_name"]})
		require.EqualValues(t, 0, pharmacist.call("GET", stockPath(testkit.Medication(t, b.db, 0).ID), nil).body["count"])

		pharmacist.call("GET", stockPath(999999999), nil).refused(t, 404, "not_found")
		pharmacist.call("GET", stockPath(m.ID)+"?ordering=quantity", nil).refused(t, 400, "invalid")
		b.as("Doctor").call("GET", stockPath(m.ID), nil).refused(t, 403, "forbidden")
	})
}

// TestTheLedgerGuardsItself holds what the database refuses whoever asks.
func TestTheLedgerGuardsItself(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := testkit.Pool(t)
	m := testkit.Medication(t, pool, 50)
	insert := "INSERT INTO core_stockmovement (medication_id, quantity, kind, reason, stock_after) VALUES "
	for sql, want := range map[string]string{
		"UPDATE core_stockmovement SET reason = 'x'":                                   "never changed or removed",
		"DELETE FROM core_stockmovement":                                               "never changed or removed",
		"TRUNCATE core_stockmovement":                                                  "never changed or removed",
		"TRUNCATE core_medication CASCADE":                                             "never changed or removed",
		"UPDATE core_medication SET current_stock = 51":                                "by a row of its ledger alone",
		"UPDATE core_medication SET current_stock = current_stock - 1":                 "by a row of its ledger alone",
		"INSERT INTO core_medication (name, current_stock) VALUES ('New', 1)":          "by a row of its ledger alone",
		"DELETE FROM core_medication":                                                  "core_stockmovement_medication_fkey",
		insert + fmt.Sprintf("(%d, -51, 'adjustment', 'x', 0)", m.ID):                  "core_medication_stock_check",
		insert + fmt.Sprintf("(%d, 1000000000, 'adjustment', 'x', 0)", m.ID):           "core_medication_stock_limit_check",
		insert + fmt.Sprintf("(%d, 2147483647, 'adjustment', 'x', 0)", m.ID):           "integer out of range",
		insert + fmt.Sprintf("(%d, 0, 'adjustment', 'x', 0)", m.ID):                    "core_stockmovement_quantity_check",
		insert + fmt.Sprintf("(%d, 1, 'gift', 'x', 0)", m.ID):                          "core_stockmovement_kind_check",
		insert + fmt.Sprintf("(%d, 1, 'adjustment', '', 0)", m.ID):                     "core_stockmovement_reason_check",
		insert + fmt.Sprintf("(%d, -1, 'dispense', 'for nobody', 0)", m.ID):            "core_stockmovement_dispense_check",
		insert + fmt.Sprintf("(%d, 1, 'adjustment', 'no such medication', 0)", m.ID+1): "stock_after",
	} {
		_, err := pool.Exec(ctx, sql)
		require.ErrorContains(t, err, want, sql)
	}
	require.Equal(t, 50, soundLedger(t, pool, m.ID))
	_, err := pool.Exec(ctx, insert+fmt.Sprintf("(%d, 1, 'adjustment', 'x', 999)", m.ID))
	require.NoError(t, err)
	require.Equal(t, 51, soundLedger(t, pool, m.ID), "nobody but the trigger says what the stock is afterwards")
}

// TestTheStockIsItsLedger holds, for any sequence of what a pharmacist may send, that each
// is answered as plain arithmetic would, that the stock is the sum of its ledger, and that
// the pharmacist hears of each crossing of the reorder level.
func TestTheStockIsItsLedger(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pharmacist := b.as("Pharmacist")
	rapid.Check(t, func(rt *rapid.T) {
		s := shelf{t: rt, caller: pharmacist, stock: number(rt, "opening"), level: number(rt, "reorder level")}
		made := pharmacist.call("POST", "/api/medications/", map[string]any{
			"name": testkit.Unique("Medication"), "current_stock": s.stock, "reorder_level": s.level,
		})
		require.Equal(rt, 201, made.status, made.raw)
		s.id = int64(made.body["id"].(float64))
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			rapid.SampledFrom([]func(*shelf){(*shelf).adjust, (*shelf).adjust, (*shelf).correct, (*shelf).fail}).Draw(rt, "step")(&s)
		}
		require.Equal(rt, s.stock, soundLedger(rt, b.db, s.id))
		require.Equal(rt, s.told, told(rt, b.db, s.id)[pharmacist.user.ID])
	})
}

// shelf is a medication as plain arithmetic has it.
type shelf struct {
	t *rapid.T
	caller
	id                 int64
	stock, level, told int
}

func number(t *rapid.T, label string) int { return rapid.IntRange(0, 60).Draw(t, label) }

// becomes sets what the shelf is now and counts a crossing.
func (s *shelf) becomes(stock, level int) {
	if s.stock > s.level && stock <= level {
		s.told++
	}
	s.stock, s.level = stock, level
}

func (s *shelf) adjust() {
	quantity := rapid.IntRange(-40, 40).Draw(s.t, "quantity")
	answer := s.call("POST", stockPath(s.id), moves(quantity))
	switch {
	case quantity == 0:
		require.Equal(s.t, 400, answer.status, answer.raw)
	case s.stock+quantity < 0:
		require.Equal(s.t, 409, answer.status, answer.raw)
		require.EqualValues(s.t, s.stock, answer.body["available"])
	default:
		require.Equal(s.t, 201, answer.status, answer.raw)
		s.becomes(s.stock+quantity, s.level)
		require.EqualValues(s.t, s.stock, answer.body["stock_after"])
	}
}

func (s *shelf) correct() {
	body, stock, level := map[string]any{}, s.stock, s.level
	if rapid.Bool().Draw(s.t, "corrects the stock") {
		stock = number(s.t, "stock")
		body["current_stock"] = stock
	}
	if rapid.Bool().Draw(s.t, "changes the reorder level") {
		level = number(s.t, "reorder level")
		body["reorder_level"] = level
	}
	answer := s.call("PATCH", medicationPath(s.id), body)
	require.Equal(s.t, 200, answer.status, answer.raw)
	s.becomes(stock, level)
	require.Equal(s.t, [2]any{float64(stock), float64(level)}, [2]any{answer.body["current_stock"], answer.body["reorder_level"]})
}

// fail sends what is refused although it names a stock.
func (s *shelf) fail() {
	stock := number(s.t, "stock")
	invalid := s.call("PATCH", medicationPath(s.id), map[string]any{"current_stock": stock, "unit": ""})
	require.Equal(s.t, 400, invalid.status, invalid.raw)
	stale := s.call("PATCH", medicationPath(s.id), map[string]any{"current_stock": stock}, "If-Match", `"0"`)
	require.Equal(s.t, 412, stale.status, stale.raw)
}

func TestLowStock(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("each crossing is told of once, to each in the own language", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		pharmacist, admin, nurse, gone := b.as("Pharmacist"), b.as("Admin"), b.as("Nurse"), testkit.User(t, b.db, "Pharmacist")
		french := testkit.User(t, b.db, "Pharmacist")
		_, err := b.db.Exec(ctx, "UPDATE core_user SET language_preference = 'fr' WHERE id = $1", french.ID)
		require.NoError(t, err)
		_, err = b.db.Exec(ctx, "UPDATE core_user SET is_active = false WHERE id = $1", gone.ID)
		require.NoError(t, err)
		m := testkit.Medication(t, b.db, 20)
		for _, step := range []struct {
			change map[string]any
			told   int
		}{
			{moves(-9), 0},
			{moves(-1), 1},
			{moves(-5), 1},
			{moves(+6), 1},
			{moves(-2), 2},
			{map[string]any{"current_stock": 30}, 2},
			{map[string]any{"reorder_level": 29}, 2},
			{map[string]any{"reorder_level": 30}, 3},
			{map[string]any{"reorder_level": 29}, 3},
			{map[string]any{"current_stock": 5, "reorder_level": 6}, 4},
			{map[string]any{"current_stock": 30}, 4},
			{map[string]any{"current_stock": 5, "reorder_level": 4}, 4},
			{map[string]any{"current_stock": 4}, 5},
		} {
			method, path := "PATCH", medicationPath(m.ID)
			if step.change["quantity"] != nil {
				method, path = "POST", stockPath(m.ID)
			}
			answer := pharmacist.call(method, path, step.change)
			require.Less(t, answer.status, 300, answer.raw)
			want := map[int64]int{}
			if step.told > 0 {
				want = map[int64]int{pharmacist.user.ID: step.told, admin.user.ID: step.told, french.ID: step.told}
			}
			got := told(t, b.db, m.ID)
			require.Equal(t, want, got, "%v; neither %d nor %d is told", step.change, nurse.user.ID, gone.ID)
		}
		for user, want := range map[int64]string{
			pharmacist.user.ID: "Low stock: " + m.Name + "|" + m.Name + " is down to 10; its reorder level is 10.",
			french.ID:          "Stock bas : " + m.Name + "|Il reste 10 de " + m.Name + " ; le seuil de commande est 10.",
		} {
			var got string
			require.NoError(t, b.db.QueryRow(ctx, "SELECT title || '|' || message FROM core_notification WHERE user_id = $1 ORDER BY id LIMIT 1",
				user).Scan(&got))
			require.Equal(t, want, got)
		}
	})

	t.Run("a medication that begins low has crossed nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		body := amoxil()
		body["current_stock"] = 3
		made := b.as("Pharmacist").call("POST", "/api/medications/", body)
		require.Equal(t, 201, made.status, made.raw)
		require.Empty(t, told(t, b.db, int64(made.body["id"].(float64))))
	})
}

func TestStockRaces(t *testing.T) {
	t.Parallel()

	t.Run("64 take what is not enough for all, twice", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		people := []caller{b.as("Pharmacist"), b.as("Admin"), b.as("Pharmacist")}
		b.as("Nurse")
		m := testkit.Medication(t, b.db, 500)
		for round := 1; round <= 2; round++ {
			before := soundLedger(t, b.db, m.ID)
			var quantities [64]int
			for i := range quantities {
				quantities[i] = 8 + rand.IntN(16) // at least 512 in all
			}
			counts, answers := atOnce(64, func(i int) answer {
				return people[i%3].call("POST", stockPath(m.ID), moves(-quantities[i]))
			})
			require.Equal(t, 64, counts[201]+counts[409], counts)
			require.NotZero(t, counts[409], counts)
			left := before
			for i, a := range answers {
				if a.status == 201 {
					left -= quantities[i]
				}
			}
			require.Equal(t, left, soundLedger(t, b.db, m.ID))
			want := map[int64]int{}
			for _, c := range people {
				want[c.user.ID] = round
			}
			require.Equal(t, want, told(t, b.db, m.ID))
			require.Equal(t, 201, people[0].call("POST", stockPath(m.ID), moves(500-left)).status, "refilled")
		}
	})

	t.Run("corrections and adjustments", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		pharmacist, m := b.as("Pharmacist"), testkit.Medication(t, b.db, 20)
		counts, _ := atOnce(32, func(i int) answer {
			if i%2 == 0 {
				return pharmacist.call("PATCH", medicationPath(m.ID), map[string]any{"current_stock": rand.IntN(20)})
			}
			return pharmacist.call("POST", stockPath(m.ID), moves(-1-rand.IntN(10)))
		})
		require.Equal(t, 16, counts[200], counts)
		require.Equal(t, 16, counts[201]+counts[409], counts)
		soundLedger(t, b.db, m.ID)
	})

	t.Run("two corrections with one ETag", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		pharmacist, m := b.as("Pharmacist"), testkit.Medication(t, b.db, 20)
		counts, _ := atOnce(8, func(i int) answer {
			return pharmacist.call("PATCH", medicationPath(m.ID), map[string]any{"current_stock": 30 + i}, "If-Match", fmt.Sprintf(`"%d"`, m.Version))
		})
		require.Equal(t, map[int]int{200: 1, 412: 7}, counts)
	})

	t.Run("one idempotency key", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		pharmacist, m := b.as("Pharmacist"), testkit.Medication(t, b.db, 20)
		counts, _ := atOnce(16, func(int) answer {
			return pharmacist.call("POST", stockPath(m.ID), moves(-1), "Idempotency-Key", "one")
		})
		require.Equal(t, 16, counts[201]+counts[409], counts)
		require.Equal(t, 19, soundLedger(t, b.db, m.ID))
	})

	t.Run("one name", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		pharmacist, body := b.as("Pharmacist"), amoxil()
		counts, _ := atOnce(8, func(int) answer { return pharmacist.call("POST", "/api/medications/", body) })
		require.Equal(t, map[int]int{201: 1, 409: 7}, counts)
	})

	t.Run("a deletion and a first delivery", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin := b.as("Admin")
		for range 8 {
			m := testkit.Medication(t, b.db, 0)
			_, answers := atOnce(2, func(i int) answer {
				if i == 0 {
					return admin.call("DELETE", medicationPath(m.ID), nil)
				}
				return admin.call("POST", stockPath(m.ID), moves(5))
			})
			require.Contains(t, [][2]int{{204, 404}, {409, 201}}, [2]int{answers[0].status, answers[1].status})
		}
	})
}

// ledger is what stands in the ledger of a medication, oldest first.
func ledger(t *testing.T, b *bundle, id any) []string {
	t.Helper()
	rows, err := b.db.Query(context.Background(),
		"SELECT kind, quantity, stock_after, reason FROM core_stockmovement WHERE medication_id::text = $1 ORDER BY id", fmt.Sprint(id))
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var kind, reason string
		var quantity, after int
		err := row.Scan(&kind, &quantity, &after, &reason)
		return fmt.Sprintf("%s %+d = %d: %s", kind, quantity, after, reason), err
	})
	require.NoError(t, err)
	return lines
}

// soundLedger requires that the stock of a medication is the sum of its ledger, of which
// each row says what the stock was after it, and returns the stock.
func soundLedger(t require.TestingT, conn pg.DB, id int64) int {
	var stock, sum, wrong int
	require.NoError(t, conn.QueryRow(context.Background(), `
		SELECT m.current_stock, coalesce(sum(l.quantity), 0), count(*) FILTER (WHERE l.stock_after <> l.total OR l.total < 0)
		FROM core_medication m LEFT JOIN (
			SELECT s.*, sum(s.quantity) OVER (PARTITION BY s.medication_id ORDER BY s.id) AS total FROM core_stockmovement s
		) l ON l.medication_id = m.id
		WHERE m.id = $1 GROUP BY m.id`, id).Scan(&stock, &sum, &wrong))
	require.Zero(t, wrong, "each row says what the stock was after it, and that was never below zero")
	require.Equal(t, sum, stock, "the stock is the sum of its ledger")
	return stock
}

// told counts, for each user, the notifications of a medication's low stock.
func told(t require.TestingT, conn pg.DB, id int64) map[int64]int {
	rows, err := conn.Query(context.Background(), `SELECT n.user_id, count(*) FROM core_notification n
		JOIN core_medication m ON strpos(n.message, m.name) > 0 WHERE n.type = 'low_stock' AND m.id = $1 GROUP BY n.user_id`, id)
	require.NoError(t, err)
	counts := map[int64]int{}
	var user int64
	var n int
	_, err = pgx.ForEachRow(rows, []any{&user, &n}, func() error {
		counts[user] = n
		return nil
	})
	require.NoError(t, err)
	return counts
}
