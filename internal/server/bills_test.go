package server_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/billing"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

// dressing is an item that names no service.
func dressing() map[string]any {
	return map[string]any{"description": "Dressing", "amount": "12.50", "quantity": 2}
}

func billPath(id any) string { return fmt.Sprintf("/api/bills/%v/", id) }

func TestBills(t *testing.T) {
	t.Parallel()

	t.Run("a bill's whole life", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk, admin := b.as("Receptionist"), b.as("Admin")
		p, doctor := testkit.Patient(t, b.db, nil), testkit.User(t, b.db, "Doctor")
		encounter := testkit.Encounter(t, b.db, p.ID, doctor.ID)
		s := testkit.ServiceItem(t, b.db, "150.00")
		body := map[string]any{
			"patient": p.ID, "encounter": encounter.ID, "due_date": "2001-01-01", "notes": " Insured ",
			"items": []any{
				dressing(), map[string]any{"service_item": s.ID},
				map[string]any{"service_item": s.ID, "description": "Half a consultation", "amount": 75, "quantity": 3},
			},
		}
		made := desk.call("POST", "/api/bills/", body, "Idempotency-Key", "k")
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, made.raw, desk.call("POST", "/api/bills/", body, "Idempotency-Key", "k").raw)
		require.Equal(t, []any{"400.00", "0.00", "400.00", false, "overdue", "Insured", p.FirstName + " " + p.LastName, []any{}},
			[]any{made.body["total_amount"], made.body["amount_paid"], made.body["balance_due"], made.body["is_paid"],
				made.body["status"], made.body["notes"], made.body["patient_name"], made.body["payments"]})
		require.Regexp(t, `^INV-\d{7}$`, made.body["invoice_number"])
		var lines []string
		for _, item := range made.body["items"].([]any) {
			i := item.(map[string]any)
			lines = append(lines, fmt.Sprint(i["description"], " ", i["amount"], " ", i["quantity"], " ", i["line_total"]))
		}
		require.Equal(t, []string{"Dressing 12.50 2 25.00", s.Name + " 150.00 1 150.00", "Half a consultation 75.00 3 225.00"}, lines)

		path := billPath(made.body["id"])
		read := desk.call("GET", path, nil)
		require.Equal(t, made.raw, read.raw)
		require.Equal(t, made.header.Get("ETag"), read.header.Get("ETag"))
		patched := desk.call("PATCH", path, map[string]any{"due_date": "2999-01-01"}, "If-Match", read.header.Get("ETag"))
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, []any{"unpaid", "Insured", float64(encounter.ID)},
			[]any{patched.body["status"], patched.body["notes"], patched.body["encounter"]})
		desk.call("PATCH", path, map[string]any{"notes": "x"}, "If-Match", read.header.Get("ETag")).refused(t, 412, "stale")
		desk.call("PUT", path, map[string]any{"patient": p.ID}, "If-Match", `"1"`).refused(t, 412, "stale")
		replaced := desk.call("PUT", path, map[string]any{"patient": p.ID})
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, []any{nil, nil, "", "400.00"},
			[]any{replaced.body["encounter"], replaced.body["due_date"], replaced.body["notes"], replaced.body["total_amount"]})
		require.Equal(t, made.body["items"], replaced.body["items"])

		payment := testkit.Payment(t, b.db, int64(made.body["id"].(float64)), "400")
		paid := desk.call("GET", path, nil)
		require.Equal(t, []any{true, "paid", "0.00", []any{float64(payment.ID)}},
			[]any{paid.body["is_paid"], paid.body["status"], paid.body["balance_due"], paid.body["payments"]})
		admin.call("DELETE", path, nil).refused(t, 409, "bill_has_payments")
		require.Equal(t, paid.raw, desk.call("GET", path, nil).raw)
	})

	t.Run("every write is in the audit log", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, p, other := b.as("Admin"), testkit.Patient(t, b.db, nil), testkit.Patient(t, b.db, nil)
		made := admin.call("POST", "/api/bills/", map[string]any{"patient": p.ID, "items": []any{dressing(), dressing()}})
		path := billPath(made.body["id"])
		require.Equal(t, 200, admin.call("PATCH", path, map[string]any{"patient": other.ID}).status)
		admin.call("DELETE", path, nil, "If-Match", `"1"`).refused(t, 412, "stale")
		require.Equal(t, 204, admin.call("DELETE", path, nil).status)
		admin.call("GET", path, nil).refused(t, 404, "not_found")
		rows, err := b.db.Query(t.Context(), `SELECT action || ' ' || object_type || ' ' || patient_id, details::text FROM core_auditlog
			WHERE action <> 'view' AND object_type IN ('bill', 'billitem') ORDER BY id`)
		require.NoError(t, err)
		var log, details []string
		for rows.Next() {
			var row, detail string
			require.NoError(t, rows.Scan(&row, &detail))
			log, details = append(log, row), append(details, detail)
		}
		of := func(what string, id int64) string { return fmt.Sprintf("%s %d", what, id) }
		require.Equal(t, []string{
			of("create billitem", p.ID), of("create billitem", p.ID), of("create bill", p.ID), of("edit bill", other.ID),
			of("delete billitem", other.ID), of("delete billitem", other.ID), of("delete bill", other.ID),
		}, log)
		require.Contains(t, details[2], `"total_amount": "50.00"`)
		require.JSONEq(t, fmt.Sprintf(`{"before": {"patient_id": %d}, "after": {"patient_id": %d}}`, p.ID, other.ID), details[3])
		require.Contains(t, details[5], `"description": "Dressing"`, "a deleted item's last state is kept")
		require.Contains(t, details[6], `"total_amount": "50.00"`, "a deleted bill's last state is kept")
	})

	t.Run("whose bill it is", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk, doctor := b.as("Nurse"), testkit.User(t, b.db, "Doctor")
		p, other, gone := testkit.Patient(t, b.db, nil), testkit.Patient(t, b.db, nil), testkit.Patient(t, b.db, nil)
		_, err := b.db.Exec(t.Context(), "UPDATE core_patient SET merged_into_id = $1 WHERE id = $2", p.ID, gone.ID)
		require.NoError(t, err)
		mine, theirs := testkit.Encounter(t, b.db, p.ID, doctor.ID).ID, testkit.Encounter(t, b.db, other.ID, doctor.ID).ID
		bill := testkit.Bill(t, b.db, p.ID, "10.00")
		path := billPath(bill.ID)
		wrong := func(method, path string, body map[string]any) map[string]string {
			return desk.call(method, path, body).refused(t, 400, "invalid").fields()
		}
		for _, method := range []string{"POST", "PUT", "PATCH"} {
			where := path
			if method == "POST" {
				where = "/api/bills/"
			}
			require.Equal(t, map[string]string{"patient": "does_not_exist"}, wrong(method, where, map[string]any{"patient": 999999999}))
			require.Equal(t, map[string]string{"encounter": "does_not_exist"},
				wrong(method, where, map[string]any{"patient": p.ID, "encounter": 999999999}))
			require.Equal(t, map[string]string{"encounter": "other_patient"},
				wrong(method, where, map[string]any{"patient": p.ID, "encounter": theirs}))
			merged := desk.call(method, where, map[string]any{"patient": gone.ID}).refused(t, 409, "patient_merged")
			require.EqualValues(t, p.ID, merged.body["merged_into"])
		}
		require.EqualValues(t, bill.Version, desk.call("GET", path, nil).body["version"], "nothing was changed")

		require.Equal(t, 200, desk.call("PATCH", path, map[string]any{"encounter": mine}).status)
		require.Equal(t, map[string]string{"encounter": "other_patient"}, wrong("PATCH", path, map[string]any{"patient": other.ID}))
		moved := desk.call("PATCH", path, map[string]any{"patient": other.ID, "encounter": theirs})
		require.Equal(t, 200, moved.status, moved.raw)
		require.Equal(t, other.FirstName+" "+other.LastName, moved.body["patient_name"])
		require.Nil(t, desk.call("PATCH", path, map[string]any{"encounter": nil}).body["encounter"])

		payment := testkit.Payment(t, b.db, bill.ID, "5.00")
		_, err = db.New().RefundCreate(t.Context(), b.db, db.RefundCreateParams{PaymentID: payment.ID, Amount: 500, Reason: "Error", Now: b.now})
		require.NoError(t, err)
		stays := desk.call("PATCH", path, map[string]any{"patient": p.ID}).refused(t, 409, "bill_has_payments")
		require.Equal(t, map[string]string{"patient": "bill_has_payments"}, stays.fields())
		desk.call("PUT", path, map[string]any{"patient": p.ID}).refused(t, 409, "bill_has_payments")
		require.Equal(t, 200, desk.call("PUT", path, map[string]any{"patient": other.ID, "notes": "Refunded"}).status)
		desk.call("PATCH", billPath(999999999), map[string]any{"notes": "x"}).refused(t, 404, "not_found")
	})

	t.Run("a Patient sees the own bills only", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		owner := b.as("Patient")
		own, foreign := testkit.Patient(t, b.db, &owner.user.ID), testkit.Patient(t, b.db, nil)
		mine, theirs := testkit.Bill(t, b.db, own.ID, "1.00"), testkit.Bill(t, b.db, foreign.ID, "1.00")
		require.Equal(t, 200, owner.call("GET", billPath(mine.ID), nil).status)
		owner.call("GET", billPath(theirs.ID), nil).refused(t, 404, "not_found")
		require.EqualValues(t, 1, owner.call("GET", "/api/bills/", nil).body["count"])
		require.EqualValues(t, 0, owner.call("GET", fmt.Sprintf("/api/bills/?patient=%d", foreign.ID), nil).body["count"])
		owner.call("POST", "/api/bills/", map[string]any{"patient": own.ID}).refused(t, 403, "forbidden")
		owner.call("PATCH", billPath(mine.ID), map[string]any{"notes": "x"}).refused(t, 403, "forbidden")
		owner.call("PUT", billPath(mine.ID), map[string]any{"patient": own.ID}).refused(t, 403, "forbidden")
		b.as("Receptionist").call("DELETE", billPath(mine.ID), nil).refused(t, 403, "forbidden")
	})

	t.Run("bad input names every field and changes nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk, p := b.as("Receptionist"), testkit.Patient(t, b.db, nil)
		retired := testkit.ServiceItem(t, b.db, "10.00")
		_, err := b.db.Exec(t.Context(), "UPDATE core_serviceitem SET is_active = false WHERE id = $1", retired.ID)
		require.NoError(t, err)
		read := map[string]string{}
		for _, property := range []string{"total_amount", "is_paid", "amount_paid", "status", "balance_due", "invoice_number", "date_issued"} {
			read[property] = "read_only"
		}
		body := map[string]any{"patient": p.ID}
		for property := range read {
			body[property] = "1"
		}
		require.Equal(t, read, desk.call("POST", "/api/bills/", body).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{
			"patient": "required", "due_date": "invalid_date", "notes": "wrong_type", "items.0.quantity": "too_small",
			"items.0.amount": "invalid", "items.1.description": "blank", "items.1.colour": "unknown_property",
		}, desk.call("POST", "/api/bills/", `{"due_date": "2026-02-30", "notes": 7, "items": [
			{"quantity": 0, "amount": 1.005}, {"description": " ", "colour": "red"}]}`).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{
			"encounter": "does_not_exist", "items.0.description": "required", "items.0.amount": "required", "items.1.amount": "required",
			"items.2.service_item": "does_not_exist", "items.3.service_item": "retired", "items.4.amount": "too_large",
		}, desk.call("POST", "/api/bills/", fmt.Sprintf(`{"patient": %d, "encounter": 999999999, "items": [
			{}, {"description": "Only"}, {"service_item": 999999999}, {"service_item": %d},
			{"description": "Gold", "amount": "99999999.99", "quantity": 2}]}`, p.ID, retired.ID)).refused(t, 400, "invalid").fields())

		dear := `{"description": "Dear", "amount": 99999999.99}`
		items := func(item string, n int) string {
			return fmt.Sprintf(`{"patient": %d, "items": [%s]}`, p.ID, strings.Join(slices.Repeat([]string{item}, n), ","))
		}
		require.Equal(t, "9999999999.00", desk.call("POST", "/api/bills/", items(dear, 100)).body["total_amount"])
		require.Equal(t, map[string]string{"items": "too_large"}, desk.call("POST", "/api/bills/", items(dear, 101)).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"items": "too_many"}, desk.call("POST", "/api/bills/", items(dear, 201)).refused(t, 400, "invalid").fields())
		for _, amount := range badAmounts {
			bad := desk.call("POST", "/api/bills/", items(`{"description": "Bad", "amount": `+amount+`}`, 1)).refused(t, 400, "invalid")
			require.Contains(t, bad.fields(), "items.0.amount", amount)
		}
		var bills, lines, last int64
		require.NoError(t, b.db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM core_bill), (SELECT count(*) FROM core_billitem),
			(SELECT last FROM core_documentcounter WHERE kind = 'invoice')`).Scan(&bills, &lines, &last))
		require.Equal(t, []int64{1, 100, 1}, []int64{bills, lines, last}, "only the good one")
		desk.call("GET", "/api/bills/?status=open", nil).refused(t, 400, "invalid")
		b.as("Admin").call("DELETE", "/api/bills/x/", nil).refused(t, 404, "not_found")
	})
}

func TestBillList(t *testing.T) {
	t.Parallel()

	t.Run("filters, search, order and cursor", func(t *testing.T) {
		t.Parallel()
		zone, err := time.LoadLocation("Pacific/Kiritimati") // UTC+14
		require.NoError(t, err)
		b := setup(t, func(o *server.Options) { o.Zone = zone })
		desk, p, other := b.as("Nurse"), testkit.Patient(t, b.db, nil), testkit.Patient(t, b.db, nil)
		e := testkit.Encounter(t, b.db, p.ID, testkit.User(t, b.db, "Doctor").ID)
		var ids []float64
		for i, amount := range []string{"30.00", "9.50", "100.00", "9.50"} {
			owner := p.ID
			if i == 3 {
				owner = other.ID
			}
			bill := testkit.Bill(t, b.db, owner, amount)
			ids = append(ids, float64(bill.ID))
			_, err := b.db.Exec(t.Context(), "UPDATE core_bill SET date_issued = $1 WHERE id = $2",
				time.Date(2026, 3, 1, 9+i, 30, 0, 0, time.UTC), bill.ID) // from 10:00 on it is the 2nd in the hospital
			require.NoError(t, err)
		}
		testkit.Payment(t, b.db, int64(ids[2]), "100.00")
		require.Equal(t, 200, desk.call("PATCH", billPath(ids[1]), map[string]any{"encounter": e.ID}).status)
		for query, want := range map[string][]float64{
			"": {ids[3], ids[2], ids[1], ids[0]}, fmt.Sprint("patient=", p.ID): {ids[2], ids[1], ids[0]}, fmt.Sprint("encounter=", e.ID): {ids[1]},
			"is_paid=true": {ids[2]}, "is_paid=false": {ids[3], ids[1], ids[0]}, "status=paid": {ids[2]}, "date_to=2026-03-01": {ids[0]},
			"date_from=2026-03-02&date_to=2026-03-02": {ids[3], ids[2], ids[1]}, "date_from=2026-03-03": {},
			"search=" + other.LastName: {ids[3]}, "search=" + p.UniqueID + "&is_paid=true": {ids[2]},
			"ordering=total_amount": {ids[1], ids[3], ids[0], ids[2]}, "ordering=-total_amount": {ids[2], ids[0], ids[3], ids[1]},
			"ordering=date_issued": {ids[0], ids[1], ids[2], ids[3]}, "ordering=id": {ids[0], ids[1], ids[2], ids[3]},
		} {
			list := desk.call("GET", "/api/bills/?"+query, nil)
			require.EqualValues(t, len(want), list.body["count"], "%s: %s", query, list.raw)
			found := []float64{}
			for _, id := range walk(t, desk, "/api/bills/?page_size=2&"+query, "id") {
				found = append(found, id.(float64))
			}
			require.Equal(t, want, found, query)
		}
		list := desk.call("GET", fmt.Sprint("/api/bills/?encounter=", e.ID), nil)
		require.Equal(t, desk.call("GET", billPath(ids[1]), nil).body, list.body["results"].([]any)[0], "a list shows what a bill is")
	})

	t.Run("the filter by status finds what the field says", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		desk, p := b.as("Nurse"), testkit.Patient(t, b.db, nil)
		today, total := time.Now().UTC().Truncate(24*time.Hour), 60
		for range total {
			amount := rand.IntN(3)
			bill := testkit.Bill(t, b.db, p.ID, fmt.Sprint(amount))
			if paid := rand.IntN(amount + 1); paid > 0 {
				testkit.Payment(t, b.db, bill.ID, fmt.Sprint(paid))
			}
			if days := rand.IntN(4) - 1; days < 2 {
				_, err := b.db.Exec(t.Context(), "UPDATE core_bill SET due_date = $1 WHERE id = $2", today.AddDate(0, 0, days), bill.ID)
				require.NoError(t, err)
			}
		}
		found := 0
		for _, status := range []string{billing.Unpaid, billing.PartiallyPaid, billing.Paid, billing.Overdue} {
			path := "/api/bills/?page_size=200&status=" + status
			for _, field := range walk(t, desk, path, "status") {
				require.Equal(t, status, field)
				found++
			}
			require.EqualValues(t, len(walk(t, desk, path, "id")), desk.call("GET", path, nil).body["count"])
		}
		require.Equal(t, total, found, "each bill is in one state")
	})
}
