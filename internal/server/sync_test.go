package server_test

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

const syncPath = "/api/sync_offline_data/"

// op is an operation of a device with an op_id of its own.
func op(entity, action string, more ...any) map[string]any {
	o := map[string]any{"op_id": uuid.NewString(), "entity": entity, "action": action}
	for i := 0; i+1 < len(more); i += 2 {
		o[more[i].(string)] = more[i+1]
	}
	return o
}

type record = map[string]any

// sync sends operations of a device and returns their results.
func (c caller) sync(device string, operations ...any) []record {
	c.t.Helper()
	a := c.call("POST", syncPath, record{"device_id": device, "operations": append([]any{}, operations...)})
	require.Equal(c.t, 200, a.status, a.raw)
	require.Equal(c.t, "sync completed", a.body["status"])
	return records(a.body["results"])
}

func records(list any) []record {
	all := []record{}
	for _, item := range list.([]any) {
		all = append(all, item.(record))
	}
	return all
}

func statusesOf(results []record) string {
	words := make([]string, len(results))
	for i, r := range results {
		words[i] = r["status"].(string)
	}
	return strings.Join(words, " ")
}

// problemOf requires that an operation was rejected with a code.
func problemOf(t testing.TB, result record, code string) record {
	t.Helper()
	require.Equal(t, "rejected", result["status"], result)
	problem := result["problem"].(record)
	require.Equal(t, code, problem["code"], result)
	return problem
}

// wrongFields are the names and codes of a problem's errors.
func wrongFields(problem record) map[string]string { return answer{body: problem}.fields() }

func TestSyncTakesNothing(t *testing.T) {
	t.Parallel()
	nurse := setup(t).as("Nurse")
	for _, body := range []string{"", "{}", `{"batch": []}`, `{"device_id": "tablet", "operations": []}`} {
		a := nurse.call("POST", syncPath, body)
		require.Equal(t, 200, a.status, a.raw)
		require.JSONEq(t, `{"status": "sync completed", "results": []}`, a.raw)
	}
}

func TestSyncRefusesWhatIsNoBatch(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *server.Options) { o.MaxBody = 2000 })
	nurse := b.as("Nurse")
	for body, fields := range map[string]map[string]string{
		`{"operations": [{"op_id": "7", "entity": "users", "action": "merge", "id": 0, "colour": 1, "recorded_at": "2026-02-30T00:00:00Z"}]}`: {
			"operations.0.op_id": "invalid", "operations.0.entity": "invalid_choice", "operations.0.action": "invalid_choice",
			"operations.0.id": "too_small", "operations.0.colour": "unknown_property", "operations.0.recorded_at": "invalid_date-time"},
		`{"operations": [{"op_id": "0b5d2a3e-5c0f-4f7b-9a51-8d1f6f1f2a11", "entity": "bills", "action": "create"}]}`: {"device_id": "required"},
		`{"batch": [{"model": "patient"}]}`: {"batch": "not_supported"},
		`{"device_id": ""}`:                 {"device_id": "blank"},
		`{"device_id": "x", "operations": [` + strings.Repeat(`{"op_id": "0b5d2a3e-5c0f-4f7b-9a51-8d1f6f1f2a11", "entity": "bills", "action": "create"},`, 5000) +
			`{"op_id": "0b5d2a3e-5c0f-4f7b-9a51-8d1f6f1f2a11", "entity": "bills", "action": "create"}]}`: {"operations": "too_many"},
	} {
		require.Equal(t, fields, nurse.call("POST", syncPath, body).refused(t, 400, "invalid").fields())
	}
	nurse.call("POST", syncPath, `{"device_id": "`+strings.Repeat("x", 4<<20)+`"}`).refused(t, 413, "too_large")
	nurse.call("POST", syncPath, strings.Repeat("[", 40)).refused(t, 400, "too_deep")

	long := op("patients", "create", "data", record{"first_name": "A", "last_name": "B", "date_of_birth": "1990-01-15", "gender": "F", "address": strings.Repeat("x", 3000)})
	problemOf(t, nurse.sync("tablet", long)[0], "too_large")
	b.nobody().call("POST", syncPath, "{}").refused(t, 401, "not_authenticated")
	b.as("Patient").call("POST", syncPath, "{}").refused(t, 403, "forbidden")
	b.as("").call("POST", syncPath, "{}").refused(t, 403, "forbidden")
}

// TestSyncOfADay is a device that was offline for a day: everything that it recorded refers
// to what it made itself.
func TestSyncOfADay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	doctor := b.as("Doctor")
	recorded := "2001-01-01T00:00:00+03:00" // a clock that is far off
	morning := []any{
		op("patients", "create", "temp_id", "p1", "data", jane(), "recorded_at", recorded),
		op("appointments", "create", "temp_id", "a1", "data", record{"patient": "p1", "doctor": doctor.user.ID, "date": "2026-12-01", "time": "09:30"}),
		op("encounters", "create", "temp_id", "e1", "data", record{"patient": "p1", "appointment": "a1", "notes": "Cough"}),
		op("prescriptions", "create", "temp_id", "r1", "data", record{"encounter": "e1", "medication_name": "Paracetamol", "dosage": "500 mg", "frequency": "twice a day"}),
	}
	first := doctor.sync("tablet", morning...)
	require.Equal(t, "applied applied applied applied", statusesOf(first))
	require.Equal(t, "Jane", first[0]["row"].(record)["first_name"])
	require.Equal(t, first[0]["id"], first[3]["row"].(record)["patient"])
	require.Equal(t, []any{"p1", float64(1)}, []any{first[0]["temp_id"], first[0]["version"]})

	evening := []any{
		op("bills", "create", "temp_id", "b1", "data", record{"patient": "p1", "encounter": "e1", "items": []any{record{"description": "Dressing", "amount": "12.50", "quantity": 2}}}),
		op("payments", "create", "temp_id", "y1", "data", record{"bill": "b1", "amount": 20, "method": "Cash"}),
		op("patients", "update", "temp_id", "p1", "base_op", morning[0].(record)["op_id"], "data", record{"address": "5 New Road"}),
		op("encounters", "update", "temp_id", "e1", "base_version", 1, "data", record{"diagnosis": "Bronchitis"}),
	}
	second := doctor.sync("tablet", evening...)
	require.Equal(t, "applied applied applied applied", statusesOf(second))
	require.Equal(t, "20.00", second[1]["row"].(record)["amount"])
	require.Equal(t, "5 New Road", second[2]["row"].(record)["address"])

	again := doctor.sync("tablet", append(morning, evening...)...)
	require.Equal(t, strings.TrimSpace(strings.Repeat("duplicate ", 8)), statusesOf(again))
	for i, r := range append(first, second...) {
		r["first_status"], r["status"] = "applied", "duplicate"
		require.Equal(t, r, again[i], "the first result again")
	}
	require.Equal(t, 1, rows(b, "core_patient", "first_name = 'Jane'"))

	var details record
	require.NoError(t, b.db.QueryRow(t.Context(), `SELECT details -> 'offline' FROM core_auditlog
		WHERE object_type = 'patient' AND action = 'create'`).Scan(&details))
	require.Equal(t, record{"device_id": "tablet", "op_id": morning[0].(record)["op_id"], "recorded_at": recorded}, details)
}

func rows(b *bundle, table, where string) int {
	b.t.Helper()
	var n int
	require.NoError(b.t, b.db.QueryRow(b.t.Context(), "SELECT count(*) FROM "+table+" WHERE "+where).Scan(&n))
	return n
}

// TestSyncConflicts: of every entity an update and a deletion under a version that is not
// the row's change nothing and say what differs.
func TestSyncConflicts(t *testing.T) {
	t.Parallel()
	for entity, test := range map[string]struct {
		make                 func(b *bundle, doctor db.CoreUser) int64
		field                string
		yours, theirs, shown any
	}{
		"patients": {func(b *bundle, _ db.CoreUser) int64 { return testkit.Patient(b.t, b.db, nil).ID },
			"address", " 5 New Road ", "7 Old Road", "5 New Road"},
		"appointments": {func(b *bundle, d db.CoreUser) int64 {
			return testkit.Appointment(b.t, b.db, testkit.Patient(b.t, b.db, nil).ID, d.ID, time.Now().Truncate(time.Hour)).ID
		}, "notes", "mine", "others'", "mine"},
		"encounters": {func(b *bundle, d db.CoreUser) int64 {
			return testkit.Encounter(b.t, b.db, testkit.Patient(b.t, b.db, nil).ID, d.ID).ID
		}, "diagnosis", "Malaria", "Typhoid", "Malaria"},
		"prescriptions": {func(b *bundle, d db.CoreUser) int64 {
			return testkit.Prescription(b.t, b.db, testkit.Encounter(b.t, b.db, testkit.Patient(b.t, b.db, nil).ID, d.ID).ID).ID
		}, "dosage", "250 mg", "1 g", "250 mg"},
		"bills": {func(b *bundle, _ db.CoreUser) int64 { return billed(b, "10.00").ID }, "due_date", "2027-01-31", "2027-02-28", "2027-01-31"},
		"payments": {func(b *bundle, _ db.CoreUser) int64 {
			return testkit.Payment(b.t, b.db, billed(b, "10.00").ID, "5.00").ID
		},
			"amount", 6, "7.00", "6.00"},
	} {
		t.Run(entity, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			admin := b.as("Admin")
			id := test.make(b, testkit.User(t, b.db, "Doctor"))
			path := fmt.Sprintf("/api/%s/%d/", entity, id)
			before := admin.call("GET", path, nil).body
			base := before["version"]
			changed := admin.call("PATCH", path, record{test.field: test.theirs})
			require.Equal(t, 200, changed.status, changed.raw)

			results := admin.sync("tablet",
				op(entity, "update", "id", id, "base_version", base, "data", record{test.field: test.yours}),
				op(entity, "update", "id", id, "base_version", base, "data", record{test.field: test.theirs}),
				op(entity, "delete", "id", id, "base_version", base))
			require.Equal(t, "conflict conflict conflict", statusesOf(results))
			difference := record{"field": test.field, "yours": test.shown, "theirs": test.theirs}
			if entity == "payments" {
				difference["yours"] = 6.0 // as it was sent
			}
			require.Equal(t, []any{difference}, results[0]["fields"])
			require.NotContains(t, results[1], "fields", "both want the same")
			for _, r := range results {
				require.Equal(t, changed.body, r["row"])
				require.Equal(t, changed.body["version"], r["version"])
				require.EqualValues(t, id, r["id"])
			}
			require.Equal(t, changed.body, admin.call("GET", path, nil).body, "nothing is overwritten")

			applied := admin.sync("tablet",
				op(entity, "update", "id", id, "base_version", results[0]["version"], "data", record{test.field: test.yours}))
			require.Equal(t, "applied", statusesOf(applied))
			require.Equal(t, test.shown, applied[0]["row"].(record)[test.field])
			if entity != "payments" {
				require.Equal(t, "applied", statusesOf(admin.sync("tablet", op(entity, "delete", "id", id, "base_version", applied[0]["version"]))))
				admin.call("GET", path, nil).refused(t, 404, "not_found")
			}
		})
	}
}

func TestSyncConflictKnowsTheBaseThatItMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	desk := b.as("Receptionist")
	create := op("patients", "create", "temp_id", "p", "data", jane())
	made := desk.sync("tablet", create)[0]
	path := patientPath(int64(made["id"].(float64)))
	require.Equal(t, 200, desk.call("PATCH", path, record{"address": "7 Old Road", "contact_info": "+44"}).status)
	result := desk.sync("tablet", op("patients", "update", "temp_id", "p", "base_op", create["op_id"], "data", record{"address": "5 New Road", "last_name": "Smith"}))[0]
	require.Equal(t, "conflict", result["status"])
	require.Equal(t, []any{
		record{"field": "address", "base": "123 Main St", "yours": "5 New Road", "theirs": "7 Old Road"},
		record{"field": "contact_info", "base": "+1234567890", "theirs": "+44"},
	}, result["fields"])
}

func TestSyncKeepsTheRulesOfTheEndpoints(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin, nurse, doctor := b.as("Admin"), b.as("Nurse"), b.as("Doctor")
	patient := allergic(t, b.db, "Penicillin")

	problemOf(t, nurse.sync("t", op("patients", "delete", "id", patient.ID, "base_version", 1))[0], "forbidden")
	problemOf(t, nurse.sync("t", op("encounters", "create", "data", record{"patient": patient.ID, "notes": "x"}))[0], "forbidden")
	problemOf(t, admin.sync("t", op("patients", "update", "id", 987654321, "base_version", 1, "data", record{"address": "x"}))[0], "not_found")
	problem := problemOf(t, nurse.sync("t", op("patients", "create", "data", record{"first_name": "", "gender": "F", "date_of_birth": "2023-02-30", "version": 3}))[0], "invalid")
	require.Equal(t, map[string]string{"first_name": "blank", "last_name": "required", "date_of_birth": "invalid_date", "version": "read_only"}, wrongFields(problem))

	encounter := testkit.Encounter(t, b.db, patient.ID, doctor.user.ID)
	problem = problemOf(t, doctor.sync("t", op("prescriptions", "create", "data",
		record{"encounter": encounter.ID, "medication_name": "Amoxicillin", "dosage": "500 mg", "frequency": "daily"}))[0], "allergy_conflict")
	require.NotEmpty(t, problem["findings"])

	bill := billed(b, "10.00")
	problem = problemOf(t, nurse.sync("t", op("payments", "create", "data", cash(bill.ID, "10.01")))[0], "overpayment")
	require.Equal(t, "10.00", problem["balance_due"])

	booking := record{"patient": patient.ID, "doctor": doctor.user.ID, "date": "2026-12-01", "time": "09:30"}
	results := nurse.sync("t", op("appointments", "create", "data", booking), op("appointments", "create", "data", booking))
	require.Equal(t, "applied rejected", statusesOf(results))
	require.Len(t, problemOf(t, results[1], "slot_taken")["next_free"], 3)

	count := rows(b, "core_auditlog", "object_type = 'payment' OR object_type = 'prescription'")
	require.Zero(t, count, "what was refused has left nothing")
}

func TestSyncNeedsToKnowWhatAChangeBuildsOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	id := testkit.Patient(t, b.db, nil).ID
	data := record{"address": "x"}
	other := op("patients", "create", "temp_id", "other", "data", jane())
	nurse.sync("t", other)
	for i, test := range []struct {
		op     record
		fields map[string]string
	}{
		{op("patients", "update", "id", id, "data", data), map[string]string{"base_version": "required"}},
		{op("patients", "delete", "id", id), map[string]string{"base_version": "required"}},
		{op("patients", "update"), map[string]string{"id": "required", "base_version": "required", "data": "required"}},
		{op("patients", "update", "id", id, "temp_id", "other", "base_version", 1, "base_op", uuid.NewString(), "data", data), map[string]string{"temp_id": "ambiguous", "base_op": "ambiguous"}},
		{op("patients", "delete", "id", id, "base_version", 1, "data", data), map[string]string{"data": "not_for_delete"}},
		{op("patients", "create", "id", id, "base_version", 1), map[string]string{"id": "read_only", "base_version": "not_for_create", "data": "required"}},
		{op("patients", "update", "id", id, "base_op", uuid.NewString(), "data", data), map[string]string{"base_op": "unknown_base_op"}},
		{op("patients", "update", "id", id, "base_op", other["op_id"], "data", data), map[string]string{"base_op": "unknown_base_op"}},
		{op("patients", "update", "temp_id", "nobody", "base_version", 1, "data", data), map[string]string{"temp_id": "unknown_temp_id"}},
		{op("bills", "create", "data", record{"patient": "nobody", "encounter": "other"}), map[string]string{"patient": "unknown_temp_id", "encounter": "unknown_temp_id"}},
		{op("payments", "create", "data", record{"bill": "other", "amount": 1, "method": "Cash"}), map[string]string{"bill": "unknown_temp_id"}},
		{op("patients", "create", "data", record{"first_name": "A", "last_name": "B", "date_of_birth": "1990-01-15", "gender": "F", "user": "other"}), map[string]string{"user": "wrong_type"}},
	} {
		require.Equal(t, test.fields, wrongFields(problemOf(t, nurse.sync("t", test.op)[0], "invalid")), i)
	}
	require.Equal(t, 1, rows(b, "core_patient", fmt.Sprintf("version = 1 AND id = %d", id)))
	problemOf(t, nurse.sync("t", op("patients", "create", "temp_id", "other", "data", jane()))[0], "temp_id_taken")
	require.Equal(t, map[string]string{"temp_id": "unknown_temp_id"}, wrongFields(problemOf(t,
		nurse.sync("another device", op("patients", "update", "temp_id", "other", "base_version", 1, "data", data))[0], "invalid")))
}

func TestSyncRejectsWhatDependsOnTheRejected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.as("Admin")
	bad := op("patients", "create", "temp_id", "p", "data", record{"first_name": "Jane"})
	bill := op("bills", "create", "temp_id", "b", "data", record{"patient": "p"})
	results := admin.sync("t", bad, bill, op("payments", "create", "data", record{"bill": "b", "amount": 1, "method": "Cash"}),
		op("patients", "update", "temp_id", "p", "base_op", bad["op_id"], "data", record{"address": "x"}),
		op("patients", "create", "data", jane()))
	require.Equal(t, "rejected rejected rejected rejected applied", statusesOf(results))
	require.Equal(t, bad["op_id"], problemOf(t, results[1], "dependency_rejected")["depends_on"])
	require.Equal(t, bill["op_id"], problemOf(t, results[2], "dependency_rejected")["depends_on"])
	problemOf(t, results[3], "dependency_rejected")

	again := admin.sync("t", bill)[0]
	require.Equal(t, []any{"duplicate", "rejected"}, []any{again["status"], again["first_status"]})
	corrected := admin.sync("t", op("patients", "create", "temp_id", "p", "data", jane()), op("bills", "create", "data", record{"patient": "p"}))
	require.Equal(t, "applied applied", statusesOf(corrected), "the name is free for the corrected one")

	patient := testkit.Patient(t, b.db, nil)
	require.Equal(t, 200, admin.call("PATCH", patientPath(patient.ID), record{"address": "theirs"}).status)
	stale := op("patients", "update", "id", patient.ID, "base_version", 1, "data", record{"address": "mine"})
	results = admin.sync("t", stale, op("patients", "update", "id", patient.ID, "base_op", stale["op_id"], "data", record{"last_name": "mine"}))
	require.Equal(t, "conflict rejected", statusesOf(results))
	problemOf(t, results[1], "dependency_rejected")
}

func TestSyncKnowsAnOpIDAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	create := op("patients", "create", "data", jane())
	require.Equal(t, "applied duplicate", statusesOf(nurse.sync("t", create, create)))
	changed := record{"op_id": create["op_id"], "entity": "patients", "action": "create", "data": record{"first_name": "John"}}
	problemOf(t, nurse.sync("t", changed)[0], "op_id_reused")
	require.Equal(t, "duplicate", statusesOf(nurse.sync("t", create)))
	require.Equal(t, "applied", statusesOf(nurse.sync("another device", create)), "op_ids are a device's own")
	require.Equal(t, "applied", statusesOf(b.as("Nurse").sync("t", create)), "and a user's")
}

func TestSyncIdempotencyKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	body := record{"device_id": "t", "operations": []any{op("patients", "create", "data", jane())}}
	first := nurse.call("POST", syncPath, body, "Idempotency-Key", "k")
	require.Equal(t, "applied", statusesOf(records(first.body["results"])))
	require.Equal(t, first.raw, nurse.call("POST", syncPath, body, "Idempotency-Key", "k").raw)
	nurse.call("POST", syncPath, "{}", "Idempotency-Key", "k").refused(t, 422, "idempotency_key_reused")
	require.Equal(t, "duplicate", statusesOf(records(nurse.call("POST", syncPath, body).body["results"])))
}

// TestSyncIsDecidedWithItsChange: what PostgreSQL refuses at the end leaves neither the
// change nor the memory of it.
func TestSyncIsDecidedWithItsChange(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t))
	nurse := b.as("Nurse")
	_, err := b.db.Exec(t.Context(), `
		CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full' USING ERRCODE = '53100'; END $$;
		CREATE TRIGGER fail BEFORE INSERT ON core_syncoperation FOR EACH ROW EXECUTE FUNCTION fail()`)
	require.NoError(t, err)
	body := record{"device_id": "t", "operations": []any{op("patients", "create", "data", jane())}}
	a := nurse.call("POST", syncPath, body).refused(t, 503, "unavailable")
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Zero(t, rows(b, "core_patient", "true")+rows(b, "core_auditlog", "true")+rows(b, "core_syncoperation", "true"))
	_, err = b.db.Exec(t.Context(), "DROP TRIGGER fail ON core_syncoperation")
	require.NoError(t, err)
	require.Equal(t, "applied", statusesOf(records(nurse.call("POST", syncPath, body).body["results"])))
}

func TestSyncResultIsTheEndpointsAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	result := nurse.sync("t", op("patients", "create", "data", jane()))[0]
	row := result["row"].(record)
	delete(row, "possible_duplicates")
	got := nurse.call("GET", patientPath(int64(result["id"].(float64))), nil).body
	want, err := json.Marshal(got)
	require.NoError(t, err)
	have, err := json.Marshal(row)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(have))
}

// TestSyncGuide plays the examples of the guide.
func TestSyncGuide(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../web-docs/offline-sync.html")
	require.NoError(t, err)
	steps := regexp.MustCompile(`(?s)<code class="(sent|answered|elsewhere)">(.*?)</code>`).FindAllStringSubmatch(string(page), -1)
	require.Len(t, steps, 9)
	b := setup(t)
	desk := b.as("Receptionist")
	var last answer
	for _, step := range steps {
		text := html.UnescapeString(step[2])
		switch step[1] {
		case "sent":
			last = desk.call("POST", syncPath, text)
			require.Equal(t, 200, last.status, last.raw)
		case "elsewhere":
			var id int64
			require.NoError(t, b.db.QueryRow(t.Context(), "SELECT id FROM core_patient").Scan(&id))
			require.Equal(t, 200, desk.call("PATCH", patientPath(id), text).status)
		case "answered":
			var want any
			require.NoError(t, json.Unmarshal([]byte(text), &want), text)
			testkit.RequireLike(t, want, any(last.body), last.raw)
		}
	}
}
