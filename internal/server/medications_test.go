package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/gen/db"
	"chelal/internal/testkit"
)

func amoxil() map[string]any {
	return map[string]any{
		"name": testkit.Unique("Amoxil "), "generic_name": "Amoxicillin", "description": "With food", "unit": "capsule",
		"current_stock": 120, "reorder_level": 40,
	}
}

func medicationPath(id any) string { return fmt.Sprintf("/api/medications/%v/", id) }

func TestMedications(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("a record's whole life", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		pharmacist, admin := b.as("Pharmacist"), b.as("Admin")
		name := testkit.Unique("Ibuprofen")
		made := pharmacist.call("POST", "/api/medications/", map[string]any{"name": name})
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, `"1"`, made.header.Get("ETag"))
		path := medicationPath(made.body["id"])
		delete(made.body, "id")
		delete(made.body, "updated_at")
		require.Equal(t, map[string]any{"name": name, "generic_name": "", "description": "", "unit": "tablet",
			"current_stock": 0.0, "reorder_level": 10.0, "version": 1.0}, made.body)

		patched := pharmacist.call("PATCH", path, map[string]any{"generic_name": "  Ibuprofe\u0301n ", "unit": "ml"}, "If-Match", `"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, "Ibuprof\u00e9n", patched.body["generic_name"])
		require.Equal(t, name, patched.body["name"])
		pharmacist.call("PATCH", path, map[string]any{"unit": "g"}, "If-Match", `"1"`).refused(t, 412, "stale")

		replaced := pharmacist.call("PUT", path, map[string]any{"name": name, "description": "Anew"}, "If-Match", patched.header.Get("ETag"))
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, [4]any{"", "Anew", "tablet", 10.0}, [4]any{replaced.body["generic_name"], replaced.body["description"],
			replaced.body["unit"], replaced.body["reorder_level"]}, "PUT takes the defaults of what is left out")
		read, err := b.as("Nurse").GetMedicationWithResponse(ctx, int64(replaced.body["id"].(float64)))
		require.NoError(t, err)
		require.Equal(t, replaced.header.Get("ETag"), read.HTTPResponse.Header.Get("ETag"))
		require.EqualValues(t, 3, read.JSON200.Version)

		admin.call("DELETE", path, nil, "If-Match", `"1"`).refused(t, 412, "stale")
		pharmacist.call("DELETE", path, nil).refused(t, 403, "forbidden")
		require.Equal(t, 204, admin.call("DELETE", path, nil, "If-Match", `"3"`).status)
		pharmacist.call("GET", path, nil).refused(t, 404, "not_found")
		pharmacist.call("PATCH", path, map[string]any{"unit": "g"}).refused(t, 404, "not_found")
	})

	t.Run("what a record says of the stock is written to the ledger", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		pharmacist := b.as("Pharmacist")
		made := pharmacist.call("POST", "/api/medications/", amoxil())
		require.Equal(t, 201, made.status, made.raw)
		require.EqualValues(t, 120, made.body["current_stock"])
		path := medicationPath(made.body["id"])
		require.Equal(t, made.raw, pharmacist.call("GET", path, nil).raw)

		counted := pharmacist.call("PATCH", path, map[string]any{"current_stock": 100}, "If-Match", made.header.Get("ETag"))
		require.Equal(t, 200, counted.status, counted.raw)
		require.EqualValues(t, 100, counted.body["current_stock"])
		require.Equal(t, counted.raw, pharmacist.call("GET", path, nil).raw)
		body := amoxil()
		body["current_stock"] = 130
		replaced := pharmacist.call("PUT", path, body, "If-Match", counted.header.Get("ETag"))
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, 200, pharmacist.call("PUT", path, body, "If-Match", replaced.header.Get("ETag")).status)
		delete(body, "current_stock")
		require.EqualValues(t, 130, pharmacist.call("PUT", path, body).body["current_stock"], "left out, the stock stays")
		require.EqualValues(t, 0, pharmacist.call("PATCH", path, map[string]any{"current_stock": 0}).body["current_stock"])

		require.Equal(t, []string{
			"opening +120 = 120: Opening stock",
			"correction -20 = 100: Stock corrected through the record",
			"correction +30 = 130: Stock corrected through the record",
			"correction -130 = 0: Stock corrected through the record",
		}, ledger(t, b, made.body["id"]))
	})

	t.Run("every write is in the audit log", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		body := amoxil()
		delete(body, "current_stock")
		made := admin.call("POST", "/api/medications/", body)
		path := medicationPath(made.body["id"])
		admin.call("PATCH", path, map[string]any{"reorder_level": 50})
		admin.call("DELETE", path, nil)
		rows, err := b.db.Query(ctx, `SELECT action, username, details::text FROM core_auditlog
			WHERE object_type = 'medication' AND object_id = $1 ORDER BY id`, fmt.Sprint(made.body["id"]))
		require.NoError(t, err)
		var log [][3]string
		for rows.Next() {
			var row [3]string
			require.NoError(t, rows.Scan(&row[0], &row[1], &row[2]))
			log = append(log, row)
		}
		require.Len(t, log, 3)
		require.Equal(t, [2]string{"create", admin.user.Username}, [2]string(log[0][:2]))
		require.JSONEq(t, `{"before": {"reorder_level": 40}, "after": {"reorder_level": 50}}`, log[1][2])
		require.Contains(t, log[2][2], `"unit": "capsule"`, "a deleted record's last state is kept")
	})

	t.Run("a name is unique whatever the case", func(t *testing.T) {
		t.Parallel()
		pharmacist := setup(t).as("Pharmacist")
		body := amoxil()
		body["name"] = testkit.Unique("Épinéphrine ")
		require.Equal(t, 201, pharmacist.call("POST", "/api/medications/", body).status)
		other := pharmacist.call("POST", "/api/medications/", amoxil())
		for _, name := range []string{body["name"].(string), strings.ToUpper(body["name"].(string)), strings.ToLower(body["name"].(string))} {
			again := amoxil()
			again["name"] = name
			refused := pharmacist.call("POST", "/api/medications/", again).refused(t, 409, "medication_name_taken")
			require.Equal(t, map[string]string{"name": "medication_name_taken"}, refused.fields())
			pharmacist.call("PATCH", medicationPath(other.body["id"]), map[string]any{"name": name}).refused(t, 409, "medication_name_taken")
		}
		own := strings.ToUpper(other.body["name"].(string))
		require.Equal(t, own, pharmacist.call("PATCH", medicationPath(other.body["id"]), map[string]any{"name": own}).body["name"])
	})

	t.Run("bad input names every field and changes nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		pharmacist := b.as("Pharmacist")
		require.Equal(t, map[string]string{
			"name": "blank", "unit": "null", "current_stock": "too_small", "reorder_level": "too_large", "version": "read_only",
			"colour": "unknown_property",
		}, pharmacist.call("POST", "/api/medications/", map[string]any{
			"name": " ", "unit": nil, "current_stock": -1, "reorder_level": 1e9 + 1, "version": 3, "colour": "red",
		}).refused(t, 400, "invalid").fields())
		m := testkit.Medication(t, b.db, 50)
		path := medicationPath(m.ID)
		for _, body := range []map[string]any{{"current_stock": 1e9 + 1}, {"current_stock": 1.5}, {"reorder_level": -1}, {"name": ""}} {
			pharmacist.call("PATCH", path, body).refused(t, 400, "invalid")
		}
		pharmacist.call("PUT", path, map[string]any{"current_stock": 7}).refused(t, 400, "invalid")
		taken := testkit.Medication(t, b.db, 0).Name
		pharmacist.call("PATCH", path, map[string]any{"current_stock": 7, "name": taken}).refused(t, 409, "medication_name_taken")
		pharmacist.call("GET", "/api/medications/?ordering=unit&low_stock=maybe", nil).refused(t, 400, "invalid")
		pharmacist.call("GET", path+"?x=1", nil).refused(t, 400, "invalid")
		b.as("Admin").call("DELETE", path+"?x=1", nil).refused(t, 400, "invalid")
		after := pharmacist.call("GET", path, nil)
		require.Equal(t, [2]any{float64(m.Version), 50.0}, [2]any{after.body["version"], after.body["current_stock"]})
	})

	t.Run("what was in stock or prescribed stays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		admin.call("DELETE", medicationPath(testkit.Medication(t, b.db, 1).ID), nil).refused(t, 409, "medication_in_use")
		prescribed, quantity := testkit.Medication(t, b.db, 0), int32(3)
		encounter := testkit.Encounter(t, b.db, testkit.Patient(t, b.db, nil).ID, testkit.User(t, b.db, "Doctor").ID)
		_, err := db.New().PrescriptionCreate(ctx, b.db, db.PrescriptionCreateParams{
			EncounterID: encounter.ID, MedicationName: prescribed.Name, MedicationID: &prescribed.ID, Quantity: &quantity,
			Dosage: "500 mg", Frequency: "twice a day", AllergyCheck: "clear", Now: time.Now(),
		})
		require.NoError(t, err)
		admin.call("DELETE", medicationPath(prescribed.ID), nil).refused(t, 409, "medication_in_use")
	})

	t.Run("a repeated creation", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		pharmacist, body := b.as("Pharmacist"), amoxil()
		first := pharmacist.call("POST", "/api/medications/", body, "Idempotency-Key", "k")
		again := pharmacist.call("POST", "/api/medications/", body, "Idempotency-Key", "k")
		require.Equal(t, [3]any{201, first.raw, first.header.Get("ETag")}, [3]any{again.status, again.raw, again.header.Get("ETag")})
		require.Len(t, ledger(t, b, first.body["id"]), 1)
	})
}

func TestMedicationList(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t))
	pharmacist, nurse := b.as("Pharmacist"), b.as("Nurse")
	for _, m := range []struct {
		name, generic       string
		stock, reorderLevel int
	}{
		{"Amoxil 500", "Amoxicillin", 120, 40},
		{"Augmentin 500/125", "Amoxicillin and clavulanic acid", 40, 40},
		{"Doliprane 2.5 mg", "Paracétamol", 0, 0},
		{"Panadol", "Paracetamol", 11, 10},
	} {
		require.Equal(t, 201, pharmacist.call("POST", "/api/medications/", map[string]any{
			"name": m.name, "generic_name": m.generic, "current_stock": m.stock, "reorder_level": m.reorderLevel,
		}).status)
	}
	names := func(query string) string {
		var found []string
		for _, row := range everyRow(t, nurse, "/api/medications/?"+query) {
			name, _, _ := strings.Cut(row["name"].(string), " ")
			found = append(found, name)
		}
		return strings.Join(found, " ")
	}
	for query, want := range map[string]string{
		"":                         "Amoxil Augmentin Doliprane Panadol",
		"search=oxi":               "Amoxil Augmentin",
		"search=PARACET":           "Doliprane Panadol",
		"search=cillin+clav":       "Augmentin",
		"search=500/125":           "Augmentin",
		"search=500+125":           "Augmentin",
		"search=2.5+mg":            "Doliprane",
		"search=500":               "Amoxil Augmentin",
		"search=500%25":            "",
		"low_stock=true":           "Augmentin Doliprane",
		"low_stock=false":          "Amoxil Panadol",
		"low_stock=true&search=au": "Augmentin",
	} {
		require.Equal(t, want, names(query), query)
	}
	for field, want := range map[string]string{
		"name": "Amoxil Augmentin Doliprane Panadol", "id": "Amoxil Augmentin Doliprane Panadol",
		"updated_at": "Amoxil Augmentin Doliprane Panadol", "current_stock": "Doliprane Panadol Augmentin Amoxil",
	} {
		words := strings.Fields(want)
		slices.Reverse(words)
		for _, paging := range []string{"", "&page_size=1", "&page_size=3&cursor="} {
			require.Equal(t, want, names("ordering="+field+paging), paging)
			require.Equal(t, strings.Join(words, " "), names("ordering=-"+field+paging), paging)
		}
	}
	typed, err := nurse.ListMedicationsWithResponse(context.Background(), &client.ListMedicationsParams{LowStock: new(true)})
	require.NoError(t, err)
	require.EqualValues(t, 2, typed.JSON200.Count.MustGet())
	nurse.call("POST", "/api/medications/", amoxil()).refused(t, 403, "forbidden")
	b.as("Patient").call("GET", "/api/medications/", nil).refused(t, 403, "forbidden")
}

// everyRow follows the links of a list from its first page to the last.
func everyRow(t *testing.T, c caller, path string) []map[string]any {
	t.Helper()
	var rows []map[string]any
	for next := any(base + path); next != nil; {
		page := c.call("GET", strings.TrimPrefix(next.(string), base), nil)
		require.Equal(t, 200, page.status, page.raw)
		for _, row := range page.body["results"].([]any) {
			rows = append(rows, row.(map[string]any))
		}
		next = page.body["next"]
	}
	return rows
}
