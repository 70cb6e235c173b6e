package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// visit is a patient with known allergies at a doctor's, and a pharmacy with amoxicillin.
type visit struct {
	*bundle
	doctor, pharmacist, admin caller
	patient                   db.CorePatient
	encounter                 db.CoreEncounter
	amoxil                    db.CoreMedication
}

func newVisit(t testing.TB, conn pg.DB, knownAllergies string, stock int32) visit {
	t.Helper()
	b := setupOn(t, conn)
	v := visit{bundle: b, doctor: b.as("Doctor"), pharmacist: b.as("Pharmacist"), admin: b.as("Admin")}
	v.patient = testkit.Patient(t, conn, nil)
	v.allergicTo(knownAllergies)
	v.encounter = testkit.Encounter(t, conn, v.patient.ID, v.doctor.user.ID)
	v.amoxil = testkit.Medication(t, conn, stock)
	_, err := conn.Exec(context.Background(), "UPDATE core_medication SET generic_name = 'Amoxicillin' WHERE id = $1", v.amoxil.ID)
	require.NoError(t, err)
	return v
}

func (v visit) allergicTo(knownAllergies string) {
	v.t.Helper()
	_, err := v.db.Exec(context.Background(), "UPDATE core_patient SET known_allergies = $1 WHERE id = $2", knownAllergies, v.patient.ID)
	require.NoError(v.t, err)
}

// order is what a doctor sends, with pairs of what is to be different; nil leaves out.
func (v visit) order(pairs ...any) map[string]any {
	body := map[string]any{
		"encounter": v.encounter.ID, "medication_name": "Paracetamol", "dosage": "500 mg", "frequency": "three times a day",
	}
	for i := 0; i < len(pairs); i += 2 {
		body[pairs[i].(string)] = pairs[i+1]
		if pairs[i+1] == nil {
			delete(body, pairs[i].(string))
		}
	}
	return body
}

// prescribe requires that the doctor's order is accepted, and returns its path.
func (v visit) prescribe(pairs ...any) (string, answer) {
	v.t.Helper()
	made := v.doctor.call("POST", "/api/prescriptions/", v.order(pairs...))
	require.Equal(v.t, 201, made.status, made.raw)
	return fmt.Sprintf("/api/prescriptions/%v/", made.body["id"]), made
}

// audited are the action, the description and the details of what the log says of a path.
func audited(t testing.TB, b *bundle, object string, path string) [][3]string {
	t.Helper()
	parts := strings.Split(strings.Trim(path, "/"), "/")
	rows, err := b.db.Query(context.Background(), `SELECT action, description, details::text FROM core_auditlog
		WHERE action <> 'view' AND object_type = $1 AND object_id = $2 ORDER BY id`, object, parts[len(parts)-1])
	require.NoError(t, err)
	defer rows.Close()
	var log [][3]string
	for rows.Next() {
		var row [3]string
		require.NoError(t, rows.Scan(&row[0], &row[1], &row[2]))
		log = append(log, row)
	}
	require.NoError(t, rows.Err())
	return log
}

func TestPrescriptions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("a prescription's whole life", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 100)
		path, made := v.prescribe("medication", v.amoxil.ID, "medication_name", nil, "quantity", 21, "instructions", "  After meals ")
		require.Equal(t, `"1"`, made.header.Get("ETag"))
		require.Equal(t, v.amoxil.Name, made.body["medication_name"], "the name comes with the medication")
		require.Equal(t, "After meals", made.body["instructions"])
		require.EqualValues(t, v.patient.ID, made.body["patient"])
		require.Equal(t, v.patient.FirstName+" "+v.patient.LastName, made.body["patient_name"])
		require.Equal(t, v.doctor.user.FirstName+" "+v.doctor.user.LastName, made.body["doctor_name"])
		require.Equal(t, []any{"clear", "", nil}, []any{made.body["allergy_check"], made.body["allergy_note"], made.body["dispensed_at"]})

		patched := v.doctor.call("PATCH", path, map[string]any{"duration": "7 days"}, "If-Match", `"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, []any{"7 days", "After meals", 21.0},
			[]any{patched.body["duration"], patched.body["instructions"], patched.body["quantity"]})
		v.doctor.call("PATCH", path, map[string]any{"duration": "9 days"}, "If-Match", `"1"`).refused(t, 412, "stale")

		replaced := v.doctor.call("PUT", path, v.order(), "If-Match", `"2"`)
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, []any{"", "", nil, nil, "Paracetamol"}, []any{replaced.body["duration"], replaced.body["instructions"],
			replaced.body["quantity"], replaced.body["medication"], replaced.body["medication_name"]})
		read, err := v.pharmacist.GetPrescriptionWithResponse(ctx, int64(made.body["id"].(float64)))
		require.NoError(t, err)
		require.EqualValues(t, 3, read.JSON200.Version)
		require.Equal(t, `"3"`, read.HTTPResponse.Header.Get("ETag"))

		v.admin.call("DELETE", path, nil, "If-Match", `"1"`).refused(t, 412, "stale")
		require.Equal(t, 204, v.admin.call("DELETE", path, nil).status)
		v.doctor.call("GET", path, nil).refused(t, 404, "not_found")
		for _, method := range []string{"PATCH", "PUT"} {
			v.doctor.call(method, path, v.order()).refused(t, 404, "not_found")
		}

		log := audited(t, v.bundle, "prescription", path)
		require.Len(t, log, 4)
		require.Equal(t, []string{"create", "edit", "edit", "delete"}, []string{log[0][0], log[1][0], log[2][0], log[3][0]})
		require.JSONEq(t, `{"before": {"duration": ""}, "after": {"duration": "7 days"}}`, log[1][2])
		require.Contains(t, log[3][2], `"medication_name": "Paracetamol"`, "a deleted prescription's last state is kept")
		var ofPatient int
		require.NoError(t, v.db.QueryRow(ctx, "SELECT count(*) FROM core_auditlog WHERE action <> 'view' AND object_type = 'prescription' AND patient_id = $1",
			v.patient.ID).Scan(&ofPatient))
		require.Equal(t, 4, ofPatient)
	})

	t.Run("for own encounters only", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 0)
		other := v.as("Doctor")
		foreign := testkit.Encounter(t, v.db, v.patient.ID, other.user.ID)
		path, _ := v.prescribe()
		for _, a := range []answer{
			v.doctor.call("POST", "/api/prescriptions/", v.order("encounter", foreign.ID)),
			other.call("PATCH", path, map[string]any{"dosage": "1 g"}),
			other.call("PUT", path, v.order("encounter", foreign.ID)),
			v.doctor.call("PATCH", path, map[string]any{"encounter": foreign.ID}),
		} {
			require.Equal(t, map[string]string{"encounter": "forbidden"}, a.refused(t, 403, "forbidden").fields())
		}
		require.EqualValues(t, 1, v.doctor.call("GET", path, nil).body["version"])
		require.Equal(t, 201, v.admin.call("POST", "/api/prescriptions/", v.order("encounter", foreign.ID)).status)
		moved := v.admin.call("PATCH", path, map[string]any{"encounter": foreign.ID})
		require.EqualValues(t, foreign.ID, moved.body["encounter"], moved.raw)
		require.EqualValues(t, other.user.ID, moved.body["doctor"])
		require.Equal(t, 200, other.call("PATCH", path, map[string]any{"dosage": "1 g"}).status, "the prescription of the own encounter now")
	})

	t.Run("a Patient reads the own prescriptions only", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 0)
		owner := v.as("Patient")
		mine := testkit.Encounter(t, v.db, testkit.Patient(t, v.db, &owner.user.ID).ID, v.doctor.user.ID)
		own, _ := v.prescribe("encounter", mine.ID)
		foreign, _ := v.prescribe()
		require.Equal(t, 200, owner.call("GET", own, nil).status)
		hidden := owner.call("GET", foreign, nil).refused(t, 404, "not_found")
		absent := owner.call("GET", "/api/prescriptions/999999999/", nil).refused(t, 404, "not_found")
		require.Equal(t, hidden.body["detail"], absent.body["detail"])
		require.EqualValues(t, 1, owner.call("GET", "/api/prescriptions/", nil).body["count"])
		require.EqualValues(t, 0, owner.call("GET", fmt.Sprintf("/api/prescriptions/?patient=%d", v.patient.ID), nil).body["count"])
		owner.call("POST", "/api/prescriptions/", v.order()).refused(t, 403, "forbidden")
		owner.call("PATCH", own, map[string]any{"dosage": "1 kg"}).refused(t, 403, "forbidden")
		owner.call("POST", own+"dispense/", nil).refused(t, 403, "forbidden")
	})

	t.Run("another medication brings its name along", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 0)
		other := testkit.Medication(t, v.db, 0)
		path, made := v.prescribe("medication", v.amoxil.ID, "medication_name", "Amoxil 500")
		require.Equal(t, "Amoxil 500", made.body["medication_name"])
		name := func(body map[string]any) any { return v.doctor.call("PATCH", path, body).body["medication_name"] }
		require.Equal(t, "Amoxil 500", name(map[string]any{"medication": v.amoxil.ID}), "the same as before")
		require.Equal(t, other.Name, name(map[string]any{"medication": other.ID}))
		require.Equal(t, "Amoxil 250", name(map[string]any{"medication": v.amoxil.ID, "medication_name": "Amoxil 250"}))
		require.Equal(t, "Amoxil 250", name(map[string]any{"medication": nil}))
	})

	t.Run("bad input names every field and changes nothing", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 0)
		require.Equal(t, map[string]string{
			"encounter": "required", "dosage": "blank", "frequency": "null", "duration": "too_long", "quantity": "too_small",
			"medication": "wrong_type", "allergy_check": "read_only", "colour": "unknown_property",
		}, v.doctor.call("POST", "/api/prescriptions/", map[string]any{
			"dosage": " ", "frequency": nil, "duration": strings.Repeat("x", 101), "quantity": 0, "medication": "x",
			"allergy_check": "clear", "colour": "red",
		}).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"encounter": "does_not_exist", "medication": "does_not_exist"},
			v.doctor.call("POST", "/api/prescriptions/", v.order("encounter", 999999999, "medication", 999999999)).refused(t, 400, "invalid").fields())
		path, _ := v.prescribe()
		nameless, null := v.order("medication_name", nil), v.order("medication_name", nil)
		null["medication"] = nil
		for _, body := range []map[string]any{nameless, null} {
			for _, a := range []answer{v.doctor.call("POST", "/api/prescriptions/", body), v.doctor.call("PUT", path, body)} {
				require.Equal(t, map[string]string{"medication_name": "required"}, a.refused(t, 400, "invalid").fields())
			}
		}
		require.Equal(t, map[string]string{"encounter": "does_not_exist", "medication": "does_not_exist"},
			v.doctor.call("PATCH", path, map[string]any{"encounter": 999999999, "medication": 999999999}).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"medication_name": "blank", "quantity": "too_large"},
			v.doctor.call("PATCH", path, map[string]any{"medication_name": "", "quantity": 1000001}).refused(t, 400, "invalid").fields())
		require.EqualValues(t, 1, v.doctor.call("GET", path, nil).body["version"])
		v.doctor.call("GET", "/api/prescriptions/?doctor=him&dispensed=perhaps&patient=0", nil).refused(t, 400, "invalid")
	})

	t.Run("with a key once", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 0)
		first := v.doctor.call("POST", "/api/prescriptions/", v.order(), "Idempotency-Key", "k")
		again := v.doctor.call("POST", "/api/prescriptions/", v.order(), "Idempotency-Key", "k")
		require.Equal(t, 201, first.status, first.raw)
		require.Equal(t, first.raw, again.raw)
		require.EqualValues(t, 1, v.doctor.call("GET", "/api/prescriptions/", nil).body["count"])
		v.doctor.call("POST", "/api/prescriptions/", v.order("dosage", "1 g"), "Idempotency-Key", "k").refused(t, 422, "idempotency_key_reused")
	})
}

func TestPrescriptionList(t *testing.T) {
	t.Parallel()
	v := newVisit(t, testkit.Tx(t), "NKDA", 100)
	other := v.as("Doctor")
	elsewhere := testkit.Encounter(t, v.db, testkit.Patient(t, v.db, nil).ID, other.user.ID)
	first, made := v.prescribe("medication", v.amoxil.ID, "medication_name", "Amoxil 500/125", "quantity", 1)
	v.now = v.now.Add(time.Minute)
	v.prescribe("medication_name", "Ibuprofène")
	v.now = v.now.Add(time.Minute)
	require.Equal(t, 201, v.admin.call("POST", "/api/prescriptions/", v.order("encounter", elsewhere.ID)).status)
	v.now = v.now.Add(time.Minute)
	require.Equal(t, 200, v.pharmacist.call("POST", first+"dispense/", nil).status)

	for query, want := range map[string]int{
		"": 3, "?search=amox": 1, "?search=500/125": 1, "?search=IBUPROFENE": 1, "?search=amox+ibu": 0,
		fmt.Sprintf("?patient=%d", v.patient.ID): 2, fmt.Sprintf("?patient=%d", elsewhere.PatientID): 1,
		fmt.Sprintf("?doctor=%d", other.user.ID): 1, "?doctor=me": 2, "?doctor=all": 3,
		fmt.Sprintf("?encounter=%d", v.encounter.ID): 2, fmt.Sprintf("?medication=%d", v.amoxil.ID): 1,
		"?dispensed=true": 1, "?dispensed=false": 2, "?dispensed=false&doctor=me&search=ibu": 1,
	} {
		list := v.doctor.call("GET", "/api/prescriptions/"+query, nil)
		require.EqualValues(t, want, list.body["count"], "%s: %s", query, list.raw)
	}
	id := made.body["id"]
	newestFirst := v.doctor.call("GET", "/api/prescriptions/", nil)
	require.Equal(t, id, newestFirst.body["results"].([]any)[2].(map[string]any)["id"])
	for ordering, position := range map[string]int{"created_at": 0, "-created_at": 2, "updated_at": 2, "-updated_at": 0, "id": 0, "-id": 2} {
		list := v.doctor.call("GET", "/api/prescriptions/?ordering="+ordering, nil)
		require.Equal(t, id, list.body["results"].([]any)[position].(map[string]any)["id"], ordering)
		seen, next := 0, any(base+"/api/prescriptions/?page_size=1&cursor=&ordering="+ordering)
		for next != nil {
			page := v.doctor.call("GET", strings.TrimPrefix(next.(string), base), nil)
			require.Equal(t, 200, page.status, page.raw)
			if seen == position {
				require.Equal(t, id, page.body["results"].([]any)[0].(map[string]any)["id"], ordering)
			}
			seen++
			next = page.body["next"]
		}
		require.Equal(t, 3, seen, ordering)
	}

	_, err := v.db.Exec(context.Background(), "UPDATE core_prescription SET created_at = '2020-03-02T23:59:59Z' WHERE id = $1", id)
	require.NoError(t, err)
	for query, want := range map[string]int{
		"?date_from=2020-03-02&date_to=2020-03-02": 1, "?date_to=2020-03-01": 0, "?date_to=2020-03-02": 1, "?date_from=2020-03-03": 2,
	} {
		require.EqualValues(t, want, v.doctor.call("GET", "/api/prescriptions/"+query, nil).body["count"], query)
	}
}
