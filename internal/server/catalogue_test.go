package server_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

func service(code string) map[string]any {
	return map[string]any{"code": code, "name": "General consultation", "category": "Consultation", "price": "150.00"}
}

func TestServiceCatalogue(t *testing.T) {
	t.Parallel()
	const path = "/api/service-catalog/"

	t.Run("a service's whole life", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, nurse := b.as("Admin"), b.as("Nurse")
		code := testkit.Unique("Cons-")
		made := admin.call("POST", path, service(code), "Idempotency-Key", "k")
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, made.raw, admin.call("POST", path, service(code), "Idempotency-Key", "k").raw)
		require.Equal(t, []any{"150.00", true, code}, []any{made.body["price"], made.body["is_active"], made.body["code"]})

		one := fmt.Sprintf("%s%v/", path, made.body["id"])
		patched := admin.call("PATCH", one, `{"price": 160.5, "is_active": false}`, "If-Match", `"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, []any{"160.50", false, "Consultation"}, []any{patched.body["price"], patched.body["is_active"], patched.body["category"]})
		admin.call("PATCH", one, `{"price": 1}`, "If-Match", `"1"`).refused(t, 412, "stale")
		admin.call("PUT", one, service(code), "If-Match", `"1"`).refused(t, 412, "stale")
		replaced := admin.call("PUT", one, map[string]any{"code": code, "name": "Consultation", "price": 0})
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, []any{"0.00", true, "", 3.0},
			[]any{replaced.body["price"], replaced.body["is_active"], replaced.body["category"], replaced.body["version"]})
		read := nurse.call("GET", one, nil)
		require.Equal(t, replaced.raw, read.raw)
		require.Equal(t, `"3"`, read.header.Get("ETag"))
		admin.call("DELETE", one, nil, "If-Match", `"2"`).refused(t, 412, "stale")
		require.Equal(t, 204, admin.call("DELETE", one, nil).status)
		nurse.call("GET", one, nil).refused(t, 404, "not_found")
		require.Equal(t, []string{"create", "edit", "edit", "delete"}, actionsOn(b, "serviceitem", made.body["id"]))
	})

	t.Run("one code, whatever the case", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		require.Equal(t, 201, admin.call("POST", path, service("Xray-1")).status)
		taken := admin.call("POST", path, service("XRAY-1")).refused(t, 409, "service_code_taken")
		require.Equal(t, map[string]string{"code": "service_code_taken"}, taken.fields())
		other := testkit.ServiceItem(t, b.db, "10.00")
		admin.call("PATCH", fmt.Sprintf("%s%d/", path, other.ID), `{"code": "xray-1"}`).refused(t, 409, "service_code_taken")
		require.Equal(t, other.Code, admin.call("GET", fmt.Sprintf("%s%d/", path, other.ID), nil).body["code"])
	})

	t.Run("what a bill names stays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		s := testkit.ServiceItem(t, b.db, "10.00")
		bill := admin.call("POST", "/api/bills/", map[string]any{
			"patient": testkit.Patient(t, b.db, nil).ID, "items": []any{map[string]any{"service_item": s.ID}},
		})
		require.Equal(t, 201, bill.status, bill.raw)
		one := fmt.Sprintf("%s%d/", path, s.ID)
		admin.call("DELETE", one, nil).refused(t, 409, "service_in_use")
		require.Equal(t, 200, admin.call("PATCH", one, `{"price": "99.00", "name": "Dearer"}`).status)
		item := admin.call("GET", fmt.Sprintf("/api/bills/%v/", bill.body["id"]), nil).body["items"].([]any)[0].(map[string]any)
		require.Equal(t, []any{"10.00", s.Name}, []any{item["amount"], item["description"]}, "a bill keeps what it was made with")
	})

	t.Run("bad input names every field and changes nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		require.Equal(t, map[string]string{
			"code": "blank", "name": "required", "category": "wrong_type", "price": "invalid", "is_active": "wrong_type",
			"version": "read_only", "colour": "unknown_property",
		}, admin.call("POST", path, `{"code": " ", "category": 7, "price": "-1", "is_active": "yes", "version": 3, "colour": "red"}`).
			refused(t, 400, "invalid").fields())
		s := testkit.ServiceItem(t, b.db, "10.00")
		one := fmt.Sprintf("%s%d/", path, s.ID)
		for _, price := range badAmounts {
			body := fmt.Sprintf(`{"code": "x", "name": "x", "price": %s}`, price)
			require.Contains(t, admin.call("POST", path, body).refused(t, 400, "invalid").fields(), "price", price)
			require.Contains(t, admin.call("PUT", one, body).refused(t, 400, "invalid").fields(), "price", price)
			require.Contains(t, admin.call("PATCH", one, fmt.Sprintf(`{"price": %s}`, price)).refused(t, 400, "invalid").fields(), "price", price)
		}
		require.EqualValues(t, 1, admin.call("GET", one, nil).body["version"])
		admin.call("GET", path+"?is_active=perhaps", nil).refused(t, 400, "invalid")
		admin.call("GET", path+"x/", nil).refused(t, 404, "not_found")
	})

	t.Run("staff read, Admins write", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		one := fmt.Sprintf("%s%d/", path, testkit.ServiceItem(t, b.db, "10.00").ID)
		desk := b.as("Receptionist")
		require.Equal(t, 200, desk.call("GET", path, nil).status)
		desk.call("POST", path, service("x")).refused(t, 403, "forbidden")
		desk.call("PATCH", one, `{"price": 1}`).refused(t, 403, "forbidden")
		desk.call("PUT", one, service("x")).refused(t, 403, "forbidden")
		desk.call("DELETE", one, nil).refused(t, 403, "forbidden")
		b.as("Patient").call("GET", one, nil).refused(t, 403, "forbidden")
	})

	t.Run("filters, search, order and cursor", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		for i, s := range []struct{ code, name, category, price string }{
			{"CONS-GEN", "General consultation", "Consultation", "150.00"}, {"99213-25", "Office visit", "Consultation", "90"},
			{"LAB-MAL", "Malaria smear", "Laboratory", "12.5"}, {"lab-hb", "Hæmoglobin", "Laboratory", "9.99"}, {"XR-1", "Chest X-ray", "", "90.00"},
		} {
			body := map[string]any{"code": s.code, "name": s.name, "category": s.category, "price": s.price, "is_active": i != 4}
			require.Equal(t, 201, admin.call("POST", path, body).status)
		}
		for query, want := range map[string]int{
			"": 5, "category=Laboratory": 2, "category=laboratory": 0, "category=": 5, "is_active=false": 1,
			"is_active=true&category=Consultation": 2, "search=haemo": 1, "search=lab+smear": 1, "search=99213-25": 1, "search=9921": 1,
			"search=chest+xray": 1, "search=consultation": 2, "search=" + url.QueryEscape("%"): 0,
		} {
			list := admin.call("GET", path+"?"+query, nil)
			require.EqualValues(t, want, list.body["count"], "%s: %s", query, list.raw)
		}
		codes := func(ordering string) []any { return walk(t, admin, path+"?page_size=2&ordering="+ordering, "code") }
		require.Equal(t, []any{"XR-1", "CONS-GEN", "lab-hb", "LAB-MAL", "99213-25"}, codes("name"))
		require.Equal(t, []any{"lab-hb", "LAB-MAL", "99213-25", "XR-1", "CONS-GEN"}, codes("price"))
		require.Equal(t, []any{"CONS-GEN", "XR-1", "99213-25", "LAB-MAL", "lab-hb"}, codes("-price"))
		require.Equal(t, []any{"XR-1", "lab-hb", "LAB-MAL", "99213-25", "CONS-GEN"}, codes("-id"))
		require.Len(t, codes("-code"), 5)
	})
}
