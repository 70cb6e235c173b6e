package server_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/testkit"
)

func itemPath(id any) string { return fmt.Sprintf("/api/bill-items/%v/", id) }

// itemOf is the first item of a bill.
func itemOf(b *bundle, billID int64) db.CoreBillitem {
	b.t.Helper()
	items, err := db.New().BillItemsOf(b.t.Context(), b.db, billID)
	require.NoError(b.t, err)
	return items[0]
}

func TestBillItems(t *testing.T) {
	t.Parallel()
	const path = "/api/bill-items/"

	t.Run("an item's whole life", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk, p := b.as("Receptionist"), testkit.Patient(t, b.db, nil)
		s, other := testkit.ServiceItem(t, b.db, "150.00"), testkit.ServiceItem(t, b.db, "9.99")
		bill := testkit.Bill(t, b.db, p.ID, "10.00")
		total := func(want string, version int64) {
			t.Helper()
			now := desk.call("GET", billPath(bill.ID), nil)
			require.Equal(t, want, now.body["total_amount"])
			require.EqualValues(t, version, now.body["version"], "what changes a bill's items changes its version")
		}
		body := map[string]any{"bill": bill.ID, "service_item": s.ID, "quantity": 2}
		made := desk.call("POST", path, body, "Idempotency-Key", "k")
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, made.raw, desk.call("POST", path, body, "Idempotency-Key", "k").raw)
		require.Equal(t, []any{s.Name, "150.00", 2.0, "300.00", float64(s.ID), float64(bill.ID), 1.0},
			[]any{made.body["description"], made.body["amount"], made.body["quantity"], made.body["line_total"],
				made.body["service_item"], made.body["bill"], made.body["version"]})
		total("310.00", bill.Version+1)

		one := itemPath(made.body["id"])
		patched := desk.call("PATCH", one, `{"amount": 1.005e2}`, "If-Match", `"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, []any{"100.50", "201.00", s.Name}, []any{patched.body["amount"], patched.body["line_total"], patched.body["description"]})
		total("211.00", bill.Version+2)
		for _, method := range []string{"PATCH", "PUT", "DELETE"} {
			var stale any
			if method != "DELETE" {
				stale = dressing()
			}
			desk.call(method, one, stale, "If-Match", `"1"`).refused(t, 412, "stale")
		}
		named := desk.call("PATCH", one, map[string]any{"service_item": other.ID})
		require.Equal(t, []any{float64(other.ID), s.Name, "100.50"}, []any{named.body["service_item"], named.body["description"], named.body["amount"]})
		require.Nil(t, desk.call("PATCH", one, `{"service_item": null}`).body["service_item"])
		replaced := desk.call("PUT", one, map[string]any{"service_item": other.ID})
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, []any{other.Name, "9.99", 1.0}, []any{replaced.body["description"], replaced.body["amount"], replaced.body["quantity"]})
		total("19.99", bill.Version+5)
		read := desk.call("GET", one, nil)
		require.Equal(t, replaced.raw, read.raw)
		require.Equal(t, replaced.header.Get("ETag"), read.header.Get("ETag"))
		require.Equal(t, 204, desk.call("DELETE", one, nil, "If-Match", read.header.Get("ETag")).status)
		desk.call("GET", one, nil).refused(t, 404, "not_found")
		desk.call("DELETE", one, nil).refused(t, 404, "not_found")
		total("10.00", bill.Version+6)
		require.Equal(t, []string{"create", "edit", "edit", "edit", "edit", "delete"}, actionsOn(b, "billitem", made.body["id"]))
		var unnamed int
		require.NoError(t, b.db.QueryRow(t.Context(), `SELECT count(*) FROM core_auditlog
			WHERE object_type = 'billitem' AND patient_id IS DISTINCT FROM $1`, p.ID).Scan(&unnamed))
		require.Zero(t, unnamed, "whose record it is")
	})

	t.Run("an item keeps a service that was retired", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk := b.as("Nurse")
		s := testkit.ServiceItem(t, b.db, "10.00")
		bill := testkit.Bill(t, b.db, testkit.Patient(t, b.db, nil).ID, "10.00")
		made := desk.call("POST", path, map[string]any{"bill": bill.ID, "service_item": s.ID})
		require.Equal(t, 200, b.as("Admin").call("PATCH", fmt.Sprintf("/api/service-catalog/%d/", s.ID), `{"is_active": false}`).status)
		require.Equal(t, 200, desk.call("PATCH", itemPath(made.body["id"]), `{"quantity": 3}`).status)
		require.Equal(t, 200, desk.call("PUT", itemPath(made.body["id"]), map[string]any{"service_item": s.ID}).status)
		other := itemOf(b, bill.ID)
		require.Equal(t, map[string]string{"service_item": "retired"},
			desk.call("PATCH", itemPath(other.ID), map[string]any{"service_item": s.ID}).refused(t, 400, "invalid").fields())
	})

	t.Run("what was paid for stays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk := b.as("Receptionist")
		bill := testkit.Bill(t, b.db, testkit.Patient(t, b.db, nil).ID, "10.00")
		item := itemPath(itemOf(b, bill.ID).ID)
		testkit.Payment(t, b.db, bill.ID, "6.00")
		for _, below := range []answer{
			desk.call("PATCH", item, `{"amount": "5.99"}`), desk.call("PUT", item, `{"description": "Less", "amount": 5}`), desk.call("DELETE", item, nil),
		} {
			require.Equal(t, "6.00", below.refused(t, 409, "below_paid").body["amount_paid"])
		}
		require.Equal(t, 201, desk.call("POST", path, map[string]any{"bill": bill.ID, "description": "More", "amount": 1}).status)
		require.Equal(t, 200, desk.call("PATCH", item, `{"amount": "5.00"}`).status)

		paid := desk.call("GET", billPath(bill.ID), nil)
		require.Equal(t, []any{"6.00", true}, []any{paid.body["total_amount"], paid.body["is_paid"]}, "exactly what was paid")
		for _, frozen := range []answer{
			desk.call("PATCH", item, `{"description": "x"}`), desk.call("PUT", item, dressing()), desk.call("DELETE", item, nil),
			desk.call("POST", path, map[string]any{"bill": bill.ID, "description": "More", "amount": 1}),
		} {
			frozen.refused(t, 409, "bill_paid")
		}
		require.Equal(t, paid.raw, desk.call("GET", billPath(bill.ID), nil).raw)
	})

	t.Run("a Patient sees the items of the own bills only", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		owner := b.as("Patient")
		own, foreign := testkit.Patient(t, b.db, &owner.user.ID), testkit.Patient(t, b.db, nil)
		mine, theirs := itemOf(b, testkit.Bill(t, b.db, own.ID, "1").ID), itemOf(b, testkit.Bill(t, b.db, foreign.ID, "1").ID)
		require.Equal(t, 200, owner.call("GET", itemPath(mine.ID), nil).status)
		owner.call("GET", itemPath(theirs.ID), nil).refused(t, 404, "not_found")
		require.EqualValues(t, 1, owner.call("GET", path, nil).body["count"])
		require.EqualValues(t, 0, owner.call("GET", fmt.Sprint(path, "?bill=", theirs.BillID), nil).body["count"])
		owner.call("POST", path, map[string]any{"bill": mine.BillID, "description": "x", "amount": 1}).refused(t, 403, "forbidden")
		owner.call("PATCH", itemPath(mine.ID), `{"amount": 0}`).refused(t, 403, "forbidden")
		owner.call("PUT", itemPath(mine.ID), dressing()).refused(t, 403, "forbidden")
		owner.call("DELETE", itemPath(mine.ID), nil).refused(t, 403, "forbidden")
		b.nobody().call("GET", path, nil).refused(t, 401, "not_authenticated")
	})

	t.Run("filters, order and cursor", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk, p, s := b.as("Nurse"), testkit.Patient(t, b.db, nil), testkit.ServiceItem(t, b.db, "1.00")
		testkit.Bill(t, b.db, p.ID, "1.00")
		bill := testkit.Bill(t, b.db, p.ID, "1.00")
		for range 3 {
			require.Equal(t, 201, desk.call("POST", path, map[string]any{"bill": bill.ID, "service_item": s.ID}).status)
		}
		for query, want := range map[string]int{"": 5, fmt.Sprint("bill=", bill.ID): 4, fmt.Sprint("service_item=", s.ID): 3} {
			require.EqualValues(t, want, desk.call("GET", path+"?"+query, nil).body["count"], query)
			up, down := walk(t, desk, path+"?page_size=2&"+query, "id"), walk(t, desk, path+"?page_size=2&ordering=-id&"+query, "id")
			require.Len(t, up, want)
			require.Equal(t, up[0], down[want-1])
		}
		desk.call("GET", path+"?bill=0", nil).refused(t, 400, "invalid")
	})

	t.Run("bad input names every field and changes nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk := b.as("Receptionist")
		bill := testkit.Bill(t, b.db, testkit.Patient(t, b.db, nil).ID, "10.00")
		item := itemPath(itemOf(b, bill.ID).ID)
		before := desk.call("GET", billPath(bill.ID), nil).raw
		refused := func(method, path string, body string) map[string]string {
			t.Helper()
			return desk.call(method, path, body).refused(t, 400, "invalid").fields()
		}
		require.Equal(t, map[string]string{"bill": "does_not_exist", "description": "required", "amount": "required"},
			refused("POST", path, `{"bill": 999999999}`))
		require.Equal(t, map[string]string{"bill": "does_not_exist", "service_item": "does_not_exist"},
			refused("POST", path, `{"bill": 999999999, "service_item": 999999999}`))
		require.Equal(t, map[string]string{"description": "required"}, refused("PUT", item, `{"amount": 1}`))
		require.Equal(t, map[string]string{"description": "required", "amount": "required"}, refused("PUT", itemPath(999999999), `{"service_item": null}`))
		require.Equal(t, map[string]string{"line_total": "read_only", "version": "read_only", "quantity": "too_large"},
			refused("PATCH", item, `{"line_total": 1, "version": 1, "quantity": 1000001}`))
		require.Contains(t, refused("PATCH", item, fmt.Sprintf(`{"bill": %d}`, bill.ID)), "bill", "an item does not move")
		require.Equal(t, map[string]string{"amount": "too_large"}, refused("PATCH", item, `{"amount": 99999999.99, "quantity": 2}`))
		for _, amount := range badAmounts {
			require.Contains(t, refused("PATCH", item, `{"amount": `+amount+`}`), "amount", amount)
			require.Contains(t, refused("POST", path, fmt.Sprintf(`{"bill": %d, "description": "x", "amount": %s}`, bill.ID, amount)), "amount", amount)
		}
		require.Equal(t, before, desk.call("GET", billPath(bill.ID), nil).raw)

		_, err := b.db.Exec(t.Context(), `INSERT INTO core_billitem (bill_id, description, amount) SELECT $1, 'Gold', 99999999.99
			FROM generate_series(1, 99)`, bill.ID)
		require.NoError(t, err)
		require.Equal(t, 200, desk.call("PATCH", item, `{"amount": 99999999.99}`).status)
		more := func(amount string) string {
			return fmt.Sprintf(`{"bill": %d, "description": "x", "amount": %s}`, bill.ID, amount)
		}
		require.Equal(t, map[string]string{"amount": "too_large"}, refused("POST", path, more("1")))
		last := desk.call("POST", path, more("0.99"))
		require.Equal(t, 201, last.status, last.raw)
		require.Equal(t, map[string]string{"amount": "too_large"}, refused("PATCH", itemPath(last.body["id"]), `{"amount": 1}`))
		require.Equal(t, "9999999999.99", desk.call("GET", billPath(bill.ID), nil).body["total_amount"])
	})
}
