package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/money"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// badAmounts are what no amount of money may be, as JSON.
var badAmounts = []string{
	`1.005`, `"1.005"`, `1e400000000`, `1e-400000000`, `-1`, `"-1"`, `-0.01`, `"1,50"`, `"1."`, `".5"`, `" "`, `""`, `null`, `true`, `[]`,
	`100000000`, `"100000000"`, `99999999.991`, `"NaN"`, `"1e2"`, `0.1e-1000000000000000000000`, `"` + strings.Repeat("9", 1000) + `"`,
}

// walk follows a list's cursor to its end and returns a property of every row.
func walk(t testing.TB, c caller, path, property string) []any {
	t.Helper()
	var seen []any
	next := any(path + "&cursor=")
	for next != nil {
		page := c.call("GET", strings.TrimPrefix(next.(string), base), nil)
		require.Equal(t, 200, page.status, page.raw)
		for _, row := range page.body["results"].([]any) {
			seen = append(seen, row.(map[string]any)[property])
		}
		next = page.body["next"]
	}
	return seen
}

// actionsOn are what the audit log says was done with a row.
func actionsOn(b *bundle, object string, id any) []string {
	b.t.Helper()
	rows, err := b.db.Query(b.t.Context(), `SELECT action FROM core_auditlog WHERE action <> 'view' AND object_type = $1 AND object_id = $2 ORDER BY id`,
		object, fmt.Sprint(id))
	require.NoError(b.t, err)
	var log []string
	for rows.Next() {
		var action string
		require.NoError(b.t, rows.Scan(&action))
		log = append(log, action)
	}
	require.NoError(b.t, rows.Err())
	return log
}

// requireSums holds the laws of money over every bill of a database.
func requireSums(t testing.TB, conn pg.DB) {
	t.Helper()
	var broken int
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM core_bill b WHERE
		b.total_amount <> coalesce((SELECT sum(i.amount * i.quantity) FROM core_billitem i WHERE i.bill_id = b.id), 0)
		OR b.amount_paid <> coalesce((SELECT sum(y.amount) FROM core_payment y WHERE y.bill_id = b.id), 0)
			- coalesce((SELECT sum(r.amount) FROM core_refund r JOIN core_payment y ON y.id = r.payment_id WHERE y.bill_id = b.id), 0)
		OR b.amount_paid NOT BETWEEN 0 AND b.total_amount
		OR b.is_paid <> (b.total_amount > 0 AND b.total_amount - b.amount_paid = 0)`).Scan(&broken))
	require.Zero(t, broken, "bills whose sums are wrong")
}

// payOrRefund pays something on a bill, or refunds something of what was paid, as the cashier
// does: the bill is locked first.
func payOrRefund(ctx context.Context, conn pg.DB, billID int64) error {
	return pg.InTx(ctx, conn, func(tx pgx.Tx) error {
		q := db.New()
		bill, err := q.BillLock(ctx, tx, billID)
		if err != nil {
			return err
		}
		var paid db.CorePayment
		some := func(most money.Amount) money.Amount { return 1 + money.Amount(rand.Int64N(int64(most))) }
		err = tx.QueryRow(ctx, `SELECT id, amount - refunded_amount FROM core_payment
			WHERE bill_id = $1 AND amount > refunded_amount ORDER BY random() LIMIT 1`, billID).Scan(&paid.ID, &paid.Amount)
		if err == nil && rand.IntN(3) == 0 {
			_, err = q.RefundCreate(ctx, tx, db.RefundCreateParams{PaymentID: paid.ID, Amount: some(paid.Amount), Reason: "Error", Now: bill.DateIssued})
			return err
		}
		if due := bill.TotalAmount - bill.AmountPaid; due > 0 {
			_, err = q.PaymentCreate(ctx, tx, db.PaymentCreateParams{BillID: billID, Amount: some(due), Method: "Cash", Now: bill.DateIssued})
			return err
		}
		return nil
	})
}

// TestMoneyLaws lets many change the items of one bill at once, while others pay it and
// refund what was paid.
func TestMoneyLaws(t *testing.T) {
	t.Parallel()
	const workers, steps = 16, 25
	pool := testkit.Pool(t)
	b := setupOn(t, pool)
	desk := b.as("Receptionist")
	bill := testkit.Bill(t, pool, testkit.Patient(t, pool, nil).ID, "1000.00")
	line := func() map[string]any {
		return map[string]any{"description": "Item", "amount": fmt.Sprintf("%d.%02d", rand.IntN(100), rand.IntN(100)), "quantity": 1 + rand.IntN(9)}
	}
	step := func() answer {
		var item int64
		err := pool.QueryRow(t.Context(), "SELECT id FROM core_billitem WHERE bill_id = $1 ORDER BY random() LIMIT 1", bill.ID).Scan(&item)
		kind := rand.IntN(6)
		if err != nil || kind < 2 {
			body := line()
			body["bill"] = bill.ID
			return desk.call("POST", "/api/bill-items/", body)
		}
		switch kind {
		case 2:
			return desk.call("PATCH", itemPath(item), map[string]any{"quantity": 1 + rand.IntN(9)})
		case 3:
			return desk.call("PUT", itemPath(item), line())
		case 4:
			return desk.call("DELETE", itemPath(item), nil)
		}
		return desk.call("PATCH", billPath(bill.ID), map[string]any{"notes": fmt.Sprint(rand.Int())})
	}
	var mu sync.Mutex
	counts, problems := map[int]int{}, map[any]int{}
	atOnce(workers, func(int) answer {
		for range steps {
			if rand.IntN(4) == 0 {
				if err := payOrRefund(t.Context(), pool, bill.ID); err != nil {
					t.Error(err)
				}
			}
			a := step()
			mu.Lock()
			counts[a.status]++
			problems[a.body["code"]]++
			mu.Unlock()
		}
		return answer{}
	})
	t.Log(counts, problems)
	delete(problems, nil)
	for code := range problems {
		require.Contains(t, []any{"below_paid", "bill_paid", "not_found"}, code)
	}
	require.Equal(t, workers*steps, counts[200]+counts[201]+counts[204]+counts[404]+counts[409], counts)
	require.Positive(t, counts[201])
	requireSums(t, pool)

	now := desk.call("GET", billPath(bill.ID), nil)
	total, err := money.Parse(now.body["total_amount"].(string))
	require.NoError(t, err)
	var sum, parts money.Amount
	for _, item := range now.body["items"].([]any) {
		part, err := money.Parse(item.(map[string]any)["line_total"].(string))
		require.NoError(t, err)
		sum += part
	}
	for _, name := range []string{"amount_paid", "balance_due"} {
		part, err := money.Parse(now.body[name].(string))
		require.NoError(t, err)
		parts += part
	}
	require.Equal(t, []money.Amount{total, total}, []money.Amount{sum, parts}, "the items, and paid and due, are the total")
}

// TestInvoiceNumbers lets 100 create bills at once while bills are deleted. Every third
// creation fails: by what it names, or when it has its number already and commits. No
// number is missing and none is used twice.
func TestInvoiceNumbers(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	b := setupOn(t, pool)
	admin := b.as("Admin")
	_, err := pool.Exec(t.Context(), `
		CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			RAISE 'the commit fails' USING ERRCODE = 'serialization_failure';
		END $$;
		CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON core_bill DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW WHEN (NEW.notes = 'fails') EXECUTE FUNCTION fail();`)
	require.NoError(t, err)
	var patients []int64
	for range 10 {
		patients = append(patients, testkit.Patient(t, pool, nil).ID)
	}
	counts, answers := atOnce(100, func(i int) answer {
		body := map[string]any{"patient": patients[i%10], "items": []any{dressing(), dressing()}}
		switch i % 6 {
		case 0:
			body["items"] = []any{dressing(), map[string]any{"service_item": 999999999}}
		case 3:
			body["notes"] = "fails"
		}
		made := admin.call("POST", "/api/bills/", body)
		if i%6 == 1 {
			if deleted := admin.call("DELETE", billPath(made.body["id"]), nil); deleted.status != 204 {
				return deleted
			}
		}
		return made
	})
	require.Equal(t, map[int]int{201: 66, 400: 17, 503: 17}, counts)
	numbers := map[any]bool{}
	for _, a := range answers {
		if a.status == 201 {
			numbers[a.body["invoice_number"]] = true
		}
	}
	require.Len(t, numbers, 66)
	for i := range 66 {
		require.Contains(t, numbers, fmt.Sprintf("INV-%07d", i+1), "no number is missing")
	}
	var bills, void, last int64
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(bill_id), count(voided_at),
		(SELECT last FROM core_documentcounter WHERE kind = 'invoice') FROM core_documentnumber`).Scan(&bills, &void, &last))
	require.Equal(t, []int64{49, 17, 66}, []int64{bills, void, last})
	next := admin.call("POST", "/api/bills/", map[string]any{"patient": patients[0]})
	require.Equal(t, "INV-0000067", next.body["invoice_number"], "a void number is not used again")
	require.Empty(t, next.body["items"])
	requireSums(t, pool)
}

func TestBillRaces(t *testing.T) {
	t.Parallel()

	t.Run("one idempotency key at once", func(t *testing.T) {
		t.Parallel()
		pool := testkit.Pool(t)
		desk, p := setupOn(t, pool).as("Receptionist"), testkit.Patient(t, pool, nil)
		body := map[string]any{"patient": p.ID, "items": []any{dressing()}}
		counts, _ := atOnce(16, func(int) answer { return desk.call("POST", "/api/bills/", body, "Idempotency-Key", "one") })
		require.Equal(t, 16, counts[201]+counts[409], counts)
		var bills, last int
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM core_bill),
			(SELECT last FROM core_documentcounter WHERE kind = 'invoice')`).Scan(&bills, &last))
		require.Equal(t, [2]int{1, 1}, [2]int{bills, last})
	})

	t.Run("two updates with one ETag", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		desk, bill := b.as("Nurse"), testkit.Bill(t, b.db, testkit.Patient(t, b.db, nil).ID, "1.00")
		counts, _ := atOnce(8, func(i int) answer {
			return desk.call("PATCH", billPath(bill.ID), map[string]any{"notes": fmt.Sprint(i)}, "If-Match", fmt.Sprintf("%q", fmt.Sprint(bill.Version)))
		})
		require.Equal(t, map[int]int{200: 1, 412: 7}, counts)
		item := itemOf(b, bill.ID)
		counts, _ = atOnce(8, func(i int) answer {
			return desk.call("PATCH", itemPath(item.ID), map[string]any{"quantity": i + 2}, "If-Match", `"1"`)
		})
		require.Equal(t, map[int]int{200: 1, 412: 7}, counts)
	})

	t.Run("a bill is deleted, paid and added to", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin, p := b.as("Admin"), testkit.Patient(t, b.db, nil)
		for range 8 {
			bill := testkit.Bill(t, b.db, p.ID, "5.00")
			item := itemOf(b, bill.ID)
			counts, _ := atOnce(8, func(i int) answer {
				switch i % 4 {
				case 0:
					return admin.call("DELETE", billPath(bill.ID), nil)
				case 1:
					return admin.call("POST", "/api/bill-items/", map[string]any{"bill": bill.ID, "description": "More", "amount": 1})
				case 2:
					return admin.call("DELETE", itemPath(item.ID), nil)
				}
				_ = payOrRefund(t.Context(), b.db, bill.ID) // of a bill that is gone there is nothing to pay
				return admin.call("PATCH", itemPath(item.ID), map[string]any{"amount": i})
			})
			require.Zero(t, counts[500]+counts[503], counts)
		}
		requireSums(t, b.db)
	})

	t.Run("a service is deleted while bills come to name it", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin, p := b.as("Admin"), testkit.Patient(t, b.db, nil)
		for range 8 {
			s := testkit.ServiceItem(t, b.db, "5.00")
			counts, answers := atOnce(5, func(i int) answer {
				if i == 0 {
					return admin.call("DELETE", fmt.Sprintf("/api/service-catalog/%d/", s.ID), nil)
				}
				return admin.call("POST", "/api/bills/", map[string]any{"patient": p.ID, "items": []any{map[string]any{"service_item": s.ID}}})
			})
			if answers[0].status == 204 {
				require.Equal(t, map[int]int{204: 1, 400: 4}, counts)
			} else {
				require.Equal(t, 1, counts[409], counts)
				require.Equal(t, 4, counts[201]+counts[400], counts)
			}
		}
	})

	t.Run("a bill moves between two patients and is paid", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		desk := b.as("Receptionist")
		owners := []int64{testkit.Patient(t, b.db, nil).ID, testkit.Patient(t, b.db, nil).ID}
		bill := testkit.Bill(t, b.db, owners[0], "5.00")
		counts, answers := atOnce(16, func(i int) answer {
			if i == 8 {
				if err := payOrRefund(t.Context(), b.db, bill.ID); err != nil {
					t.Error(err)
				}
			}
			return desk.call("PATCH", billPath(bill.ID), map[string]any{"patient": owners[i%2]})
		})
		require.Equal(t, 16, counts[200]+counts[409], counts)
		for _, a := range answers {
			require.Contains(t, []any{nil, "bill_has_payments", "changed_meanwhile"}, a.body["code"])
		}
	})
}
