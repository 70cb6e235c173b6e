package server_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// balanced requires of every bill that it is what its payments and refunds make it.
func balanced(t testing.TB, conn pg.DB) {
	t.Helper()
	var wrong []int64
	require.NoError(t, conn.QueryRow(t.Context(), `
		SELECT coalesce(array_agg(b.id), '{}') FROM core_bill b
		LEFT JOIN LATERAL (SELECT coalesce(sum(y.amount), 0) AS paid, coalesce(sum(y.refunded_amount), 0) AS said
			FROM core_payment y WHERE y.bill_id = b.id) y ON true
		LEFT JOIN LATERAL (SELECT coalesce(sum(r.amount), 0) AS refunded
			FROM core_refund r JOIN core_payment y ON y.id = r.payment_id WHERE y.bill_id = b.id) r ON true
		WHERE y.paid - r.refunded <> b.amount_paid OR y.said <> r.refunded OR b.amount_paid NOT BETWEEN 0 AND b.total_amount
			OR b.is_paid <> (b.total_amount > 0 AND b.total_amount = b.amount_paid)
			OR b.total_amount <> (SELECT sum(i.amount * i.quantity) FROM core_billitem i WHERE i.bill_id = b.id)`).Scan(&wrong))
	require.Empty(t, wrong, "bills that are not the sum of what happened to them")
}

func TestPaymentRaces(t *testing.T) {
	t.Parallel()

	t.Run("64 cashiers and one bill", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		bill := billed(b, "1000.00")
		cashiers := make([]caller, 64)
		for i := range cashiers {
			cashiers[i] = b.as("Receptionist")
		}
		counts, answers := atOnce(10*len(cashiers), func(i int) answer {
			amount := fmt.Sprintf("%d.%02d", rand.IntN(40), 1+rand.IntN(99))
			return cashiers[i%len(cashiers)].call("POST", "/api/payments/", cash(bill.ID, amount))
		})
		require.Equal(t, len(answers), counts[201]+counts[409], counts)
		require.NotZero(t, counts[409])
		for _, a := range answers {
			require.Equal(t, a.status == 409, a.body["balance_due"] != nil, a.raw)
		}
		balanced(t, b.db)
		due := cashiers[0].call("POST", "/api/payments/", cash(bill.ID, "1000.01")).refused(t, 409, "overpayment").body["balance_due"]
		if due != "0.00" {
			require.Equal(t, 201, cashiers[0].call("POST", "/api/payments/", cash(bill.ID, due)).status)
		}
		account(b, bill.ID, "1000.00", "0.00")
		balanced(t, b.db)
	})

	t.Run("receipts at once have numbers without a gap", func(t *testing.T) {
		t.Parallel()
		const bills = 100
		pool := testkit.Pool(t)
		b := setupOn(t, pool)
		desk := b.as("Receptionist")
		// A payment with this reference fails at its COMMIT, when it has its number.
		_, err := pool.Exec(t.Context(), `
			CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$;
			CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON core_payment DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
				WHEN (NEW.reference = 'fail') EXECUTE FUNCTION fail()`)
		require.NoError(t, err)
		ids := make([]int64, bills)
		for i := range ids {
			ids[i] = billed(b, "20.00").ID
		}
		var failed atomic.Int64
		pay := func(i int) answer {
			reference, amount := "", "10"
			switch i % 3 {
			case 1:
				reference = "fail"
			case 2:
				amount = "21"
			}
			status := send(b.handler, desk.doer.Token, "/api/payments/",
				fmt.Sprintf(`{"bill": %d, "amount": %q, "method": "Cash", "reference": %q}`, ids[i%bills], amount, reference))
			if status == http.StatusInternalServerError {
				failed.Add(1)
			}
			return answer{status: status}
		}
		counts, _ := atOnce(bills, func(i int) answer { return pay(3 * i) })
		require.Equal(t, map[int]int{201: bills}, counts)
		_, err = pool.Exec(t.Context(), "UPDATE core_documentnumber SET payment_id = NULL WHERE payment_id IS NOT NULL; DELETE FROM core_payment")
		require.NoError(t, err)
		counts, _ = atOnce(3*bills, pay)
		require.Equal(t, bills, counts[201], counts)
		require.EqualValues(t, bills, failed.Load(), counts)
		require.Equal(t, bills, counts[409], counts)

		var receipts, first, last, counter, void int
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*), min(number), max(number), count(voided_at),
			(SELECT last FROM core_documentcounter WHERE kind = 'receipt') FROM core_documentnumber WHERE kind = 'receipt'`).
			Scan(&receipts, &first, &last, &void, &counter))
		require.Equal(t, [5]int{2 * bills, 1, 2 * bills, bills, 2 * bills}, [5]int{receipts, first, last, void, counter})
		balanced(t, pool)
	})

	t.Run("refunds of one payment", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin := b.as("Admin")
		payment := testkit.Payment(t, b.db, billed(b, "100.00").ID, "100.00")
		counts, answers := atOnce(32, func(int) answer {
			return admin.call("POST", fmt.Sprintf("/api/payments/%d/refund/", payment.ID), refunding("30.00"))
		})
		require.Equal(t, map[int]int{201: 3, 409: 29}, counts)
		for _, a := range answers {
			require.True(t, a.status == 201 || a.body["refundable"] == "10.00", a.raw)
		}
		account(b, payment.BillID, "10.00", "90.00")
		balanced(t, b.db)
	})

	t.Run("everything at once", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin := b.as("Admin")
		bill := billed(b, "85.00")
		payments := make([]string, 8)
		for i := range payments {
			payments[i] = fmt.Sprintf("/api/payments/%d/", testkit.Payment(t, b.db, bill.ID, "10.00").ID)
		}
		for range 5 {
			counts, answers := atOnce(64, func(i int) answer {
				amount := fmt.Sprintf("%d.50", rand.IntN(20))
				switch path := payments[i%len(payments)]; i / len(payments) {
				case 0, 1:
					return admin.call("POST", path+"refund/", refunding(amount))
				case 2, 3, 4:
					return admin.call("PATCH", path, map[string]any{"amount": amount})
				case 5:
					return admin.call("DELETE", path, nil)
				case 6:
					return admin.call("GET", path+"receipt.pdf", nil)
				}
				return admin.call("POST", "/api/payments/", cash(bill.ID, amount))
			})
			total := counts[200] + counts[201] + counts[204] + counts[404] + counts[409]
			require.Equal(t, len(answers), total, counts)
			for _, a := range answers { // a refusal knows the balance: it was read under the lock
				require.Equal(t, a.body["code"] == "overpayment", a.body["balance_due"] != nil, a.raw)
				require.Equal(t, a.body["code"] == "over_refund", a.body["refundable"] != nil, a.raw)
			}
			balanced(t, b.db)
		}
	})
}
