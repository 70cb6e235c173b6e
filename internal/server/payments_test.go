package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/gen/db"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

func cash(bill int64, amount any) map[string]any {
	return map[string]any{"bill": bill, "amount": amount, "method": "Cash"}
}

// billed makes a bill of a new patient.
func billed(b *bundle, total string) db.CoreBill {
	b.t.Helper()
	return testkit.Bill(b.t, b.db, testkit.Patient(b.t, b.db, nil).ID, total)
}

// account requires what is paid of a bill, and what is due.
func account(b *bundle, bill int64, paid, due string) {
	b.t.Helper()
	row, err := db.New().BillGet(b.t.Context(), b.db, bill, nil)
	require.NoError(b.t, err)
	got := row.CoreBill
	require.Equal(b.t, [2]string{paid, due}, [2]string{got.AmountPaid.String(), (got.TotalAmount - got.AmountPaid).String()})
	require.Equal(b.t, got.TotalAmount > 0 && due == "0.00", got.IsPaid)
}

func paymentPath(a answer) string { return fmt.Sprintf("/api/payments/%v/", a.body["id"]) }

func TestPayments(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("a payment's whole life", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk, admin := b.as("Receptionist"), b.as("Admin")
		bill := billed(b, "150.00")
		made := desk.call("POST", "/api/payments/", cash(bill.ID, "50"))
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, "50.00", made.body["amount"])
		require.Equal(t, "0.00", made.body["refunded_amount"])
		require.Regexp(t, `^RCT-\d{7}$`, made.body["receipt_number"])
		require.EqualValues(t, desk.user.ID, made.body["received_by"])
		require.Empty(t, made.body["refunds"])
		require.NotEmpty(t, made.body["patient_name"])
		account(b, bill.ID, "50.00", "100.00")

		path := paymentPath(made)
		raised := admin.call("PATCH", path, map[string]any{"amount": 150}, "If-Match", made.header.Get("ETag"))
		require.Equal(t, 200, raised.status, raised.raw)
		require.Equal(t, []any{"150.00", "Cash", ""}, []any{raised.body["amount"], raised.body["method"], raised.body["reference"]})
		account(b, bill.ID, "150.00", "0.00")
		admin.call("PATCH", path, map[string]any{"reference": "x"}, "If-Match", made.header.Get("ETag")).refused(t, 412, "stale")
		over := admin.call("PATCH", path, map[string]any{"amount": "150.01"}).refused(t, 409, "overpayment")
		require.Equal(t, "0.00", over.body["balance_due"])

		patched := admin.call("PATCH", path, map[string]any{"reference": "terminal 2"})
		require.Equal(t, []any{"150.00", "Cash", "terminal 2"}, []any{patched.body["amount"], patched.body["method"], patched.body["reference"]})
		replaced := admin.call("PUT", path, map[string]any{"amount": 1.5e1, "method": "Card"})
		require.Equal(t, []any{"15.00", "Card", ""}, []any{replaced.body["amount"], replaced.body["method"], replaced.body["reference"]})
		account(b, bill.ID, "15.00", "135.00")
		read, err := desk.GetPaymentWithResponse(ctx, int64(made.body["id"].(float64)))
		require.NoError(t, err)
		require.Equal(t, replaced.header.Get("ETag"), read.HTTPResponse.Header.Get("ETag"))
		require.Equal(t, made.body["receipt_number"], read.JSON200.ReceiptNumber)

		admin.call("DELETE", path, nil, "If-Match", `"1"`).refused(t, 412, "stale")
		require.Equal(t, 204, admin.call("DELETE", path, nil).status)
		desk.call("GET", path, nil).refused(t, 404, "not_found")
		account(b, bill.ID, "0.00", "150.00")
		next := desk.call("POST", "/api/payments/", cash(bill.ID, "0.01"))
		require.Equal(t, receiptNumber(t, made)+1, receiptNumber(t, next), "the number of a deleted payment stays, void")
	})

	// The number comes with the COMMIT, when the answer is already written.
	t.Run("the number is in every answer", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk := b.as("Receptionist")
		bill := billed(b, "150.00")
		_, err := b.db.Exec(ctx, "UPDATE core_documentcounter SET last = 9999998")
		require.NoError(t, err)
		const words = `\u0000 "\u0000"`
		for _, document := range []struct {
			path, number, prefix string
			body                 map[string]any
		}{
			{"/api/payments/", "receipt_number", "RCT-", map[string]any{"bill": bill.ID, "amount": 1, "method": "Cash", "reference": words}},
			{"/api/bills/", "invoice_number", "INV-", map[string]any{"patient": bill.PatientID, "notes": words}},
		} {
			for i, key := range []string{"first", "", "third"} {
				var header []string
				if key != "" {
					header = []string{"Idempotency-Key", key}
				}
				made := desk.call("POST", document.path, document.body, header...)
				require.Equal(t, 201, made.status, made.raw)
				require.Equal(t, document.prefix+strconv.Itoa(9999999+i), made.body[document.number])
				read := desk.call("GET", fmt.Sprintf("%s%.0f/", document.path, made.body["id"]), nil)
				require.Equal(t, read.raw, made.raw)
				require.Equal(t, read.header.Get("ETag"), made.header.Get("ETag"))
				if key != "" {
					again := desk.call("POST", document.path, document.body, header...)
					require.Equal(t, made.raw, again.raw)
					require.Equal(t, made.header.Get("ETag"), again.header.Get("ETag"))
				}
			}
		}
	})

	t.Run("never more than is due", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk := b.as("Nurse")
		bill := billed(b, "20.00")
		over := desk.call("POST", "/api/payments/", cash(bill.ID, "20.01")).refused(t, 409, "overpayment")
		require.Equal(t, "20.00", over.body["balance_due"])
		require.Equal(t, map[string]string{"amount": "overpayment"}, over.fields())
		require.Equal(t, 201, desk.call("POST", "/api/payments/", cash(bill.ID, 7.5)).status)
		over = desk.call("POST", "/api/payments/", cash(bill.ID, 12.51)).refused(t, 409, "overpayment")
		require.Equal(t, "12.50", over.body["balance_due"])
		require.Equal(t, 201, desk.call("POST", "/api/payments/", cash(bill.ID, "12.50")).status)
		account(b, bill.ID, "20.00", "0.00")
		empty, err := db.New().BillCreate(ctx, b.db, db.BillCreateParams{PatientID: bill.PatientID, Now: b.now})
		require.NoError(t, err)
		desk.call("POST", "/api/payments/", cash(empty.ID, "0.01")).refused(t, 409, "overpayment")
	})

	t.Run("every write is in the audit log", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		bill := billed(b, "150.00")
		made := admin.call("POST", "/api/payments/", cash(bill.ID, "50"))
		admin.call("PATCH", paymentPath(made), map[string]any{"amount": "60"})
		refund := admin.call("POST", paymentPath(made)+"refund/", map[string]any{"amount": "1", "reason": "Too much"})
		require.Equal(t, 200, admin.call("GET", paymentPath(made)+"receipt.pdf", nil).status)
		gone := admin.call("POST", "/api/payments/", cash(bill.ID, "5"))
		require.Equal(t, 204, admin.call("DELETE", paymentPath(gone), nil).status)
		rows, err := b.db.Query(ctx, `SELECT action, object_type, object_id, details::text FROM core_auditlog
			WHERE action <> 'view' AND patient_id = $1 AND username = $2 ORDER BY id`, bill.PatientID, admin.user.Username)
		require.NoError(t, err)
		var log []string
		details := map[string]string{}
		for rows.Next() {
			var action, object, id string
			var detail *string
			require.NoError(t, rows.Scan(&action, &object, &id, &detail))
			log = append(log, fmt.Sprint(action, " ", object, " ", id))
			if detail != nil {
				details[action+object] = *detail
			}
		}
		require.Equal(t, []string{
			fmt.Sprintf("create payment %v", made.body["id"]), fmt.Sprintf("edit payment %v", made.body["id"]),
			fmt.Sprintf("create refund %v", refund.body["id"]), fmt.Sprintf("export payment %v", made.body["id"]),
			fmt.Sprintf("create payment %v", gone.body["id"]), fmt.Sprintf("delete payment %v", gone.body["id"]),
		}, log)
		require.JSONEq(t, `{"before": {"amount": "50.00"}, "after": {"amount": "60.00"}}`, details["editpayment"])
		require.Contains(t, details["deletepayment"], `"amount": "5.00"`)
	})

	t.Run("a Patient sees the own ones only", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		owner := b.as("Patient")
		own := testkit.Payment(t, b.db, testkit.Bill(t, b.db, testkit.Patient(t, b.db, &owner.user.ID).ID, "10").ID, "5")
		foreign := testkit.Payment(t, b.db, billed(b, "10").ID, "5")
		require.Equal(t, 200, owner.call("GET", fmt.Sprintf("/api/payments/%d/", own.ID), nil).status)
		owner.call("GET", fmt.Sprintf("/api/payments/%d/", foreign.ID), nil).refused(t, 404, "not_found")
		require.EqualValues(t, 1, owner.call("GET", "/api/payments/", nil).body["count"])
		require.EqualValues(t, 0, owner.call("GET", fmt.Sprintf("/api/payments/?bill=%d", foreign.BillID), nil).body["count"])
		owner.call("POST", "/api/payments/", cash(own.BillID, "5")).refused(t, 403, "forbidden")
	})

	t.Run("bad input names every field and changes nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		bill := billed(b, "100")
		bad := admin.call("POST", "/api/payments/", map[string]any{
			"bill": 0, "amount": "1.234", "method": "Gold", "reference": strings.Repeat("x", 101), "received_by": 1,
			"receipt_number": "RCT-1", "tip": 1,
		}).refused(t, 400, "invalid")
		require.Equal(t, map[string]string{
			"bill": "too_small", "amount": "invalid", "method": "invalid_choice", "reference": "too_long",
			"received_by": "read_only", "receipt_number": "read_only", "tip": "unknown_property",
		}, bad.fields())
		for _, amount := range []any{"-1", -1, "1e2", "", " ", 0.001, 1e9, "100000000", nil, true, "0x10", "٣"} {
			require.Contains(t, admin.call("POST", "/api/payments/", cash(bill.ID, amount)).refused(t, 400, "invalid").fields(), "amount", amount)
		}
		for _, zero := range []any{0, "0", "0.00", json.Number("-0")} {
			require.Equal(t, map[string]string{"amount": "too_small"},
				admin.call("POST", "/api/payments/", cash(bill.ID, zero)).refused(t, 400, "invalid").fields())
		}
		require.Equal(t, map[string]string{"bill": "does_not_exist"},
			admin.call("POST", "/api/payments/", cash(987654321, "1")).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"bill": "required", "amount": "required", "method": "required"},
			admin.call("POST", "/api/payments/", nil).refused(t, 400, "invalid").fields())

		payment := testkit.Payment(t, b.db, bill.ID, "40")
		path := fmt.Sprintf("/api/payments/%d/", payment.ID)
		require.Equal(t, map[string]string{"bill": "read_only"}, admin.call("PATCH", path, map[string]any{"bill": 1}).refused(t, 400, "invalid").fields())
		admin.call("PATCH", path, map[string]any{"amount": 0}).refused(t, 400, "invalid")
		admin.call("PUT", path, map[string]any{"amount": "0", "method": "Cash"}).refused(t, 400, "invalid")
		require.Equal(t, map[string]string{"method": "required"}, admin.call("PUT", path, map[string]any{"amount": 1}).refused(t, 400, "invalid").fields())
		require.EqualValues(t, 1, admin.call("GET", path, nil).body["version"])
		account(b, bill.ID, "40.00", "60.00")
		for _, absent := range []string{"PATCH", "PUT", "DELETE"} {
			admin.call(absent, "/api/payments/987654321/", map[string]any{"amount": "1", "method": "Cash"}).refused(t, 404, "not_found")
		}
	})

	t.Run("a repeat takes nothing twice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk := b.as("Receptionist")
		bill := billed(b, "100")
		first := desk.call("POST", "/api/payments/", cash(bill.ID, "30"), "Idempotency-Key", "k")
		again := desk.call("POST", "/api/payments/", cash(bill.ID, "30"), "Idempotency-Key", "k")
		require.Equal(t, first.raw, again.raw)
		require.Equal(t, 201, again.status)
		require.Equal(t, first.header.Get("ETag"), again.header.Get("ETag"))
		desk.call("POST", "/api/payments/", cash(bill.ID, "31"), "Idempotency-Key", "k").refused(t, 422, "idempotency_key_reused")
		account(b, bill.ID, "30.00", "70.00")
	})
}

// receiptNumber is the number in a payment's receipt_number.
func receiptNumber(t testing.TB, a answer) int {
	t.Helper()
	require.Equal(t, 201, a.status, a.raw)
	var n int
	_, err := fmt.Sscanf(a.body["receipt_number"].(string), "RCT-%d", &n)
	require.NoError(t, err)
	return n
}

func TestPaymentList(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Africa/Cairo") // where days may begin at one o'clock
	require.NoError(t, err)
	b := setup(t, func(o *server.Options) { o.Zone = zone })
	desk, other := b.as("Receptionist"), b.as("Nurse")
	patient := testkit.Patient(t, b.db, nil)
	bills := []db.CoreBill{testkit.Bill(t, b.db, patient.ID, "500"), billed(b, "500")}
	day := time.Date(2026, 4, 24, 0, 0, 0, 0, zone) // the clocks go from 00:00 to 01:00
	for i, at := range []time.Duration{-time.Second, 0, 12 * time.Hour, 22*time.Hour + 59*time.Minute, 23 * time.Hour} {
		_, err := db.New().PaymentCreate(t.Context(), b.db, db.PaymentCreateParams{
			BillID: bills[i%2].ID, Amount: 10_00, Method: []string{"Cash", "Card"}[i/3],
			ReceivedByID: []*int64{&desk.user.ID, &other.user.ID}[i%2], Now: day.Add(at),
		})
		require.NoError(t, err)
	}
	for query, want := range map[string]int{
		"": 5, fmt.Sprintf("bill=%d", bills[0].ID): 3, fmt.Sprintf("patient=%d", patient.ID): 3, "patient=987654321": 0,
		"method=Cash": 3, "method=Card": 2, "method=Mobile+Money": 0, "received_by=me": 3, fmt.Sprintf("received_by=%d", other.user.ID): 2,
		"date_from=2026-04-24": 4, "date_to=2026-04-24": 4, "date_from=2026-04-24&date_to=2026-04-24": 3, "date_from=2026-04-25": 1,
		"date_to=2026-04-23": 1, "search=" + patient.FirstName: 3, "search=" + patient.UniqueID: 3, "search=" + patient.FirstName + "&method=Card": 1,
		"date_from=9999-12-31": 0, "date_to=9999-12-31": 5,
	} {
		list := desk.call("GET", "/api/payments/?"+query, nil)
		require.EqualValues(t, want, list.body["count"], "%s: %s", query, list.raw)
	}
	require.Equal(t, map[string]string{"method": "invalid_choice", "received_by": "invalid", "date_from": "invalid_date", "bill": "too_small"},
		desk.call("GET", "/api/payments/?method=Gold&received_by=nobody&date_from=2026-02-30&bill=0", nil).refused(t, 400, "invalid").fields())

	for _, ordering := range []string{"payment_date", "-payment_date", "amount", "-amount", "id", "-id", ""} {
		var seen []any
		next := any(base + "/api/payments/?page_size=2&cursor=&ordering=" + ordering)
		for next != nil {
			page := desk.call("GET", strings.TrimPrefix(next.(string), base), nil)
			require.Equal(t, 200, page.status, page.raw)
			for _, row := range page.body["results"].([]any) {
				seen = append(seen, row.(map[string]any)["id"])
			}
			next = page.body["next"]
		}
		require.Len(t, seen, 5, ordering)
		descending := ordering == "" || ordering[0] == '-'
		require.Equal(t, descending, seen[0].(float64) > seen[4].(float64), ordering)
	}
	typed, err := desk.ListPaymentsWithResponse(t.Context(), &client.ListPaymentsParams{ReceivedBy: new("me")})
	require.NoError(t, err)
	require.Len(t, typed.JSON200.Results, 3)
}
