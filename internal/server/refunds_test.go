package server_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

func refunding(amount any) map[string]any {
	return map[string]any{"amount": amount, "reason": "Charged twice"}
}

func TestRefunds(t *testing.T) {
	t.Parallel()

	t.Run("never more than was paid", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		bill := billed(b, "100")
		made := admin.call("POST", "/api/payments/", cash(bill.ID, "100"))
		path := paymentPath(made)
		refund := admin.call("POST", path+"refund/", refunding("30"))
		require.Equal(t, 201, refund.status, refund.raw)
		require.Equal(t, []any{made.body["id"], "30.00", "Charged twice", float64(admin.user.ID)},
			[]any{refund.body["payment"], refund.body["amount"], refund.body["reason"], refund.body["refunded_by"]})
		account(b, bill.ID, "70.00", "30.00")
		over := admin.call("POST", path+"refund/", refunding("70.01")).refused(t, 409, "over_refund")
		require.Equal(t, "70.00", over.body["refundable"])

		read := admin.call("GET", path, nil)
		require.Equal(t, "30.00", read.body["refunded_amount"])
		require.Equal(t, []any{refund.body}, read.body["refunds"])
		require.EqualValues(t, 2, read.body["version"], "a refund changes the payment")
		admin.call("PATCH", path, map[string]any{"amount": "29.99"}).refused(t, 409, "below_refunded")
		admin.call("DELETE", path, nil).refused(t, 409, "payment_has_refunds")
		require.Equal(t, 200, admin.call("PATCH", path, map[string]any{"amount": "30"}).status)
		account(b, bill.ID, "0.00", "100.00")
		over = admin.call("PATCH", path, map[string]any{"amount": "130.01"}).refused(t, 409, "overpayment")
		require.Equal(t, "100.00", over.body["balance_due"])
		require.Equal(t, 200, admin.call("PATCH", path, map[string]any{"amount": "130"}).status, "what was refunded is due again")
		account(b, bill.ID, "100.00", "0.00")
		require.Equal(t, 201, admin.call("POST", path+"refund/", refunding("100")).status)
		over = admin.call("POST", path+"refund/", refunding("0.01")).refused(t, 409, "over_refund")
		require.Equal(t, "0.00", over.body["refundable"])
		account(b, bill.ID, "0.00", "100.00")
	})

	t.Run("who refunded may leave, what was refunded stays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, leaving := b.as("Admin"), b.as("Admin")
		payment := testkit.Payment(t, b.db, billed(b, "10").ID, "10")
		path := fmt.Sprintf("/api/payments/%d/", payment.ID)
		require.Equal(t, 201, leaving.call("POST", path+"refund/", refunding("1")).status)
		require.Equal(t, 204, admin.call("DELETE", fmt.Sprintf("/api/users/%d/", leaving.user.ID), nil).status)
		refunds := admin.call("GET", path, nil).body["refunds"].([]any)
		require.Nil(t, refunds[0].(map[string]any)["refunded_by"])
	})

	t.Run("bad input, and who may not", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, desk := b.as("Admin"), b.as("Receptionist")
		payment := testkit.Payment(t, b.db, billed(b, "10").ID, "10")
		path := fmt.Sprintf("/api/payments/%d/refund/", payment.ID)
		require.Equal(t, map[string]string{"amount": "invalid", "reason": "blank", "refunded_by": "read_only"},
			admin.call("POST", path, map[string]any{"amount": "-1", "reason": "  ", "refunded_by": 1}).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"amount": "too_small"}, admin.call("POST", path, refunding(0)).refused(t, 400, "invalid").fields())
		desk.call("POST", path, refunding("1")).refused(t, 403, "forbidden")
		admin.call("POST", "/api/payments/987654321/refund/", refunding("1")).refused(t, 404, "not_found")
		account(b, payment.BillID, "10.00", "0.00")
	})

	t.Run("a repeat refunds nothing twice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		bill := billed(b, "20")
		one, other := testkit.Payment(t, b.db, bill.ID, "10"), testkit.Payment(t, b.db, bill.ID, "10")
		path := fmt.Sprintf("/api/payments/%d/refund/", one.ID)
		first := admin.call("POST", path, refunding("4"), "Idempotency-Key", "k")
		require.Equal(t, 201, first.status, first.raw)
		require.Equal(t, first.raw, admin.call("POST", path, refunding("4"), "Idempotency-Key", "k").raw)
		admin.call("POST", fmt.Sprintf("/api/payments/%d/refund/", other.ID), refunding("4"), "Idempotency-Key", "k").
			refused(t, 422, "idempotency_key_reused")
		account(b, bill.ID, "16.00", "4.00")
	})
}
