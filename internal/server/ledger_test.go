package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/pg"
	"chelal/internal/testkit"
)

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
