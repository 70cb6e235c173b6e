package server_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

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
