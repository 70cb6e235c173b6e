package server_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/gen/db"
	"chelal/internal/pg"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

// ward is a doctor with a patient, and an Admin.
type ward struct {
	*bundle
	doctor, admin caller
	patient       db.CorePatient
}

func newWard(b *bundle) ward {
	return ward{b, b.as("Doctor"), b.as("Admin"), testkit.Patient(b.t, b.db, nil)}
}

// appointment makes an appointment of the ward's patient and doctor in a status.
func (w ward) appointment(status string) db.CoreAppointment {
	w.t.Helper()
	ctx := context.Background()
	a := testkit.Appointment(w.t, w.db, w.patient.ID, w.doctor.user.ID, time.Now().Truncate(time.Hour))
	_, err := w.db.Exec(ctx, "UPDATE core_appointment SET status = $1 WHERE id = $2", status, a.ID)
	require.NoError(w.t, err)
	a.Status = status
	return a
}

func (w ward) fever() map[string]any {
	return map[string]any{"patient": w.patient.ID, "notes": "Fever for three days", "diagnosis": "Malaria"}
}

func appointmentNow(t testing.TB, conn pg.DB, id int64) db.CoreAppointment {
	t.Helper()
	row, err := db.New().AppointmentGet(context.Background(), conn, id, nil)
	require.NoError(t, err)
	return row.CoreAppointment
}

func encounterPath(id any) string { return fmt.Sprintf("/api/encounters/%v/", id) }

// logged are the actions and details in the audit log of an object, in order.
func logged(t testing.TB, conn pg.DB, object string, id any) [][2]string {
	t.Helper()
	rows, err := conn.Query(context.Background(), `SELECT action, details::text FROM core_auditlog
		WHERE action <> 'view' AND object_type = $1 AND object_id = $2 AND patient_id IS NOT NULL ORDER BY id`, object, fmt.Sprint(id))
	require.NoError(t, err)
	defer rows.Close()
	var log [][2]string
	for rows.Next() {
		var row [2]string
		require.NoError(t, rows.Scan(&row[0], &row[1]))
		log = append(log, row)
	}
	require.NoError(t, rows.Err())
	return log
}

func TestEncounters(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("a record's whole life", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		made := w.doctor.call("POST", "/api/encounters/", w.fever())
		require.Equal(t, 201, made.status, made.raw)
		require.EqualValues(t, w.doctor.user.ID, made.body["doctor"])
		require.Equal(t, w.patient.FirstName+" "+w.patient.LastName, made.body["patient_name"])
		require.Equal(t, w.doctor.user.FirstName+" "+w.doctor.user.LastName, made.body["doctor_name"])
		require.Nil(t, made.body["appointment"])
		require.Equal(t, `"1"`, made.header.Get("ETag"))

		path := encounterPath(made.body["id"])
		patched := w.doctor.call("PATCH", path, map[string]any{"diagnosis": " Typhoid\r\nfever "}, "If-Match", `"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, "Typhoid\nfever", patched.body["diagnosis"])
		require.Equal(t, "Fever for three days", patched.body["notes"])
		w.doctor.call("PATCH", path, map[string]any{"notes": "x"}, "If-Match", `"1"`).refused(t, 412, "stale")

		replaced := w.doctor.call("PUT", path, map[string]any{"patient": w.patient.ID, "notes": "Well"}, "If-Match", `"2"`)
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, "", replaced.body["diagnosis"])
		require.EqualValues(t, w.doctor.user.ID, replaced.body["doctor"])
		read, err := w.doctor.GetEncounterWithResponse(ctx, int64(made.body["id"].(float64)))
		require.NoError(t, err)
		require.EqualValues(t, 3, read.JSON200.Version)
		require.Equal(t, `"3"`, read.HTTPResponse.Header.Get("ETag"))
		w.admin.call("DELETE", path, nil, "If-Match", `"1"`).refused(t, 412, "stale")
		require.Equal(t, 204, w.admin.call("DELETE", path, nil).status)
		for method, body := range map[string]any{"GET": nil, "PATCH": map[string]any{}, "PUT": w.fever(), "DELETE": nil} {
			w.admin.call(method, path, body).refused(t, 404, "not_found")
		}

		log := logged(t, w.db, "encounter", made.body["id"])
		require.Len(t, log, 4)
		require.Equal(t, "create", log[0][0])
		require.JSONEq(t, `{"before": {"diagnosis": "Malaria"}, "after": {"diagnosis": "Typhoid\nfever"}}`, log[1][1])
		require.Equal(t, "edit", log[2][0])
		require.Contains(t, log[3][1], `"notes": "Well"`, "a deleted record's last state is kept")
	})

	t.Run("who writes for whom", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		other := w.as("Doctor")
		body := w.fever()
		require.Equal(t, map[string]string{"doctor": "required"},
			w.admin.call("POST", "/api/encounters/", body).refused(t, 400, "invalid").fields())
		body["doctor"] = w.doctor.user.ID
		made := w.admin.call("POST", "/api/encounters/", body)
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, 201, w.doctor.call("POST", "/api/encounters/", body).status)
		require.Equal(t, map[string]string{"doctor": "forbidden"},
			other.call("POST", "/api/encounters/", body).refused(t, 403, "forbidden").fields())
		for _, nobody := range []int64{w.admin.user.ID, testkit.User(t, w.db, "").ID, 999999999} {
			body["doctor"] = nobody
			require.Equal(t, map[string]string{"doctor": "does_not_exist"},
				w.admin.call("POST", "/api/encounters/", body).refused(t, 400, "invalid").fields())
		}

		path, change := encounterPath(made.body["id"]), map[string]any{"notes": "Changed"}
		other.call("PATCH", path, change).refused(t, 403, "forbidden")
		other.call("PUT", path, w.fever()).refused(t, 403, "forbidden")
		require.Equal(t, map[string]string{"doctor": "forbidden"},
			w.doctor.call("PATCH", path, map[string]any{"doctor": other.user.ID}).refused(t, 403, "forbidden").fields())
		require.EqualValues(t, 1, other.call("GET", path, nil).body["version"], "a refusal changes nothing")
		require.Equal(t, 200, w.doctor.call("PATCH", path, change).status)
		require.EqualValues(t, w.doctor.user.ID, w.admin.call("PUT", path, w.fever()).body["doctor"], "an Admin's PUT leaves the doctor alone")
		moved := w.admin.call("PATCH", path, map[string]any{"doctor": other.user.ID})
		require.Equal(t, other.user.FirstName+" "+other.user.LastName, moved.body["doctor_name"], moved.raw)
		w.doctor.call("PATCH", path, change).refused(t, 403, "forbidden")
		require.Equal(t, 200, other.call("PATCH", path, change).status)
		w.admin.call("PATCH", path, map[string]any{"doctor": w.admin.user.ID}).refused(t, 400, "invalid")
	})

	t.Run("a Patient sees the own ones only", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		owner := w.as("Patient")
		own := testkit.Encounter(t, w.db, testkit.Patient(t, w.db, &owner.user.ID).ID, w.doctor.user.ID)
		foreign := testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID)
		require.Equal(t, 200, owner.call("GET", encounterPath(own.ID), nil).status)
		hidden := owner.call("GET", encounterPath(foreign.ID), nil).refused(t, 404, "not_found")
		absent := owner.call("GET", encounterPath(999999999), nil).refused(t, 404, "not_found")
		require.Equal(t, hidden.body["detail"], absent.body["detail"])
		for query, want := range map[string]int{
			"": 1, "?search=" + w.patient.FirstName: 0, fmt.Sprintf("?patient=%d", w.patient.ID): 0,
			fmt.Sprintf("?doctor=%d", w.doctor.user.ID): 1, "?cursor=": 1,
		} {
			require.Len(t, owner.call("GET", "/api/encounters/"+query, nil).body["results"], want, query)
		}
		for method, path := range map[string]string{"POST": "/api/encounters/", "PUT": encounterPath(own.ID), "PATCH": encounterPath(own.ID), "DELETE": encounterPath(own.ID)} {
			owner.call(method, path, w.fever()).refused(t, 403, "forbidden")
		}
		w.doctor.call("DELETE", encounterPath(own.ID), nil).refused(t, 403, "forbidden")
		w.nobody().call("GET", "/api/encounters/", nil).refused(t, 401, "not_authenticated")
	})

	t.Run("bad input names every field and changes nothing", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		require.Equal(t, map[string]string{
			"patient": "required", "notes": "blank", "diagnosis": "wrong_type", "appointment": "too_small", "version": "read_only", "colour": "unknown_property",
		}, w.doctor.call("POST", "/api/encounters/", map[string]any{
			"notes": " \n ", "diagnosis": 7, "appointment": 0, "version": 1, "colour": "x",
		}).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"patient": "does_not_exist", "appointment": "does_not_exist"},
			w.doctor.call("POST", "/api/encounters/", map[string]any{"patient": 999999999, "appointment": 999999999, "notes": "x"}).
				refused(t, 400, "invalid").fields())
		e := testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID)
		path := encounterPath(e.ID)
		for _, bad := range []map[string]any{{"notes": ""}, {"notes": nil}, {"patient": nil}, {"patient": 999999999}, {"appointment": 999999999}, {"notes": strings.Repeat("x", 20001)}} {
			w.doctor.call("PATCH", path, bad).refused(t, 400, "invalid")
		}
		w.doctor.call("PUT", path, map[string]any{"patient": w.patient.ID}).refused(t, 400, "invalid")
		w.doctor.call("GET", "/api/encounters/?doctor=0&patient=x&date_from=2026-02-30&ordering=notes", nil).refused(t, 400, "invalid")
		require.EqualValues(t, 1, w.doctor.call("GET", path, nil).body["version"])
		require.EqualValues(t, 1, w.doctor.call("GET", "/api/encounters/", nil).body["count"])
		for _, id := range []string{"abc", "0", "-1", "99999999999999999999"} {
			w.doctor.call("GET", encounterPath(id), nil).refused(t, 404, "not_found")
			w.admin.call("DELETE", encounterPath(id), nil).refused(t, 404, "not_found")
		}
	})

	t.Run("a merged patient's record is closed", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		e := testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID)
		closed := testkit.Patient(t, w.db, nil)
		_, err := w.db.Exec(ctx, "UPDATE core_patient SET merged_into_id = $1 WHERE id = $2", w.patient.ID, closed.ID)
		require.NoError(t, err)
		body := w.fever()
		body["patient"] = closed.ID
		refused := w.doctor.call("POST", "/api/encounters/", body).refused(t, 409, "patient_merged")
		require.EqualValues(t, w.patient.ID, refused.body["merged_into"])
		w.doctor.call("PATCH", encounterPath(e.ID), map[string]any{"patient": closed.ID}).refused(t, 409, "patient_merged")
	})

	t.Run("a repeat with the same key does nothing twice", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		body, a := w.fever(), w.appointment("scheduled")
		body["appointment"] = a.ID
		first := w.doctor.call("POST", "/api/encounters/", body, "Idempotency-Key", "k")
		require.Equal(t, 201, first.status, first.raw)
		again := w.doctor.call("POST", "/api/encounters/", body, "Idempotency-Key", "k")
		require.Equal(t, first.raw, again.raw)
		require.Equal(t, first.header.Get("ETag"), again.header.Get("ETag"))
		require.EqualValues(t, 1, w.doctor.call("GET", "/api/encounters/", nil).body["count"])
		require.Equal(t, a.Version+1, appointmentNow(t, w.db, a.ID).Version)
		body["notes"] = "Other"
		w.doctor.call("POST", "/api/encounters/", body, "Idempotency-Key", "k").refused(t, 422, "idempotency_key_reused")
	})
}

func TestEncounterAppointments(t *testing.T) {
	t.Parallel()

	for status, becomes := range map[string]string{
		"scheduled": "in_progress", "confirmed": "in_progress", "checked_in": "in_progress",
		"in_progress": "in_progress", "completed": "completed", "cancelled": "", "no_show": "",
	} {
		t.Run("an encounter of one that is "+status, func(t *testing.T) {
			t.Parallel()
			w := newWard(setup(t))
			a := w.appointment(status)
			body := w.fever()
			body["appointment"] = a.ID
			made := w.doctor.call("POST", "/api/encounters/", body)
			now := appointmentNow(t, w.db, a.ID)
			log := logged(t, w.db, "appointment", a.ID)
			if becomes == "" {
				require.Equal(t, map[string]string{"appointment": "invalid_transition"}, made.refused(t, 409, "invalid_transition").fields())
				require.EqualValues(t, 0, w.doctor.call("GET", "/api/encounters/", nil).body["count"])
				require.Equal(t, a, now)
				return
			}
			require.Equal(t, 201, made.status, made.raw)
			require.EqualValues(t, a.ID, made.body["appointment"])
			require.Equal(t, becomes, now.Status)
			require.Equal(t, [2]time.Time{a.StartsAt, a.EndsAt}, [2]time.Time{now.StartsAt, now.EndsAt})
			if becomes == status {
				require.Equal(t, a, now)
				require.Empty(t, log)
				return
			}
			require.Equal(t, a.Version+1, now.Version)
			require.Len(t, log, 1)
			require.JSONEq(t, fmt.Sprintf(`{"before": {"status": %q}, "after": {"status": "in_progress"}}`, status), log[0][1])
		})
	}

	t.Run("the appointment is of the same patient and doctor", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		other := newWard(w.bundle)
		foreign := other.appointment("scheduled")
		body := w.fever()
		body["appointment"] = foreign.ID
		refused := w.doctor.call("POST", "/api/encounters/", body).refused(t, 400, "invalid")
		require.Contains(t, refused.raw, "other_patient")
		require.Contains(t, refused.raw, "other_doctor")
		body["patient"] = other.patient.ID
		require.Equal(t, map[string]string{"appointment": "other_doctor"}, w.doctor.call("POST", "/api/encounters/", body).refused(t, 400, "invalid").fields())
		body["patient"] = w.patient.ID
		require.Equal(t, map[string]string{"appointment": "other_patient"}, other.doctor.call("POST", "/api/encounters/", body).refused(t, 400, "invalid").fields())
		require.Equal(t, "scheduled", appointmentNow(t, w.db, foreign.ID).Status)
	})

	t.Run("a change checks again and moves no appointment", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		own := w.appointment("scheduled")
		foreign := newWard(w.bundle).appointment("scheduled")
		path := encounterPath(testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID).ID)
		w.doctor.call("PATCH", path, map[string]any{"appointment": foreign.ID}).refused(t, 400, "invalid")
		linked := w.doctor.call("PATCH", path, map[string]any{"appointment": own.ID})
		require.EqualValues(t, own.ID, linked.body["appointment"], linked.raw)
		require.Equal(t, own, appointmentNow(t, w.db, own.ID))
		other := testkit.Patient(t, w.db, nil)
		require.Equal(t, map[string]string{"appointment": "other_patient"},
			w.doctor.call("PATCH", path, map[string]any{"patient": other.ID}).refused(t, 400, "invalid").fields())
		require.EqualValues(t, own.ID, w.doctor.call("PATCH", path, map[string]any{"notes": "Well"}).body["appointment"])
		moved := w.doctor.call("PUT", path, map[string]any{"patient": other.ID, "notes": "Of somebody else"})
		require.EqualValues(t, other.ID, moved.body["patient"], moved.raw)
		require.Nil(t, moved.body["appointment"])
	})

	t.Run("an encounter of a doctor who has left can be corrected", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		path := encounterPath(testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID).ID)
		_, err := w.db.Exec(context.Background(), "UPDATE core_user SET is_active = false WHERE id = $1", w.doctor.user.ID)
		require.NoError(t, err)
		corrected := w.admin.call("PATCH", path, map[string]any{"patient": testkit.Patient(t, w.db, nil).ID, "doctor": w.doctor.user.ID})
		require.Equal(t, 200, corrected.status, corrected.raw)
	})
}

func TestEncounterPrescriptions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("with prescriptions or a bill the patient stays", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		prescribed := testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID)
		testkit.Prescription(t, w.db, prescribed.ID)
		billed := testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID)
		_, err := w.db.Exec(ctx, "INSERT INTO core_bill (patient_id, encounter_id) VALUES ($1, $2)", w.patient.ID, billed.ID)
		require.NoError(t, err)
		other := testkit.Patient(t, w.db, nil)
		for _, e := range []db.CoreEncounter{prescribed, billed} {
			require.Equal(t, map[string]string{"patient": "encounter_in_use"},
				w.doctor.call("PATCH", encounterPath(e.ID), map[string]any{"patient": other.ID}).refused(t, 409, "encounter_in_use").fields())
			require.Equal(t, 200, w.doctor.call("PATCH", encounterPath(e.ID), map[string]any{"patient": w.patient.ID, "notes": "x"}).status)
		}
	})

	t.Run("they go with it, each into the audit log", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		e := testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID)
		first, second := testkit.Prescription(t, w.db, e.ID), testkit.Prescription(t, w.db, e.ID)
		require.Equal(t, 204, w.admin.call("DELETE", encounterPath(e.ID), nil).status)
		for _, p := range []db.CorePrescription{first, second} {
			log := logged(t, w.db, "prescription", p.ID)
			require.Len(t, log, 1)
			require.Equal(t, "delete", log[0][0])
			require.Contains(t, log[0][1], p.MedicationName)
			_, err := db.New().PrescriptionLock(ctx, w.db, p.ID)
			require.Error(t, err)
		}
	})

	t.Run("a dispensed one keeps it", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		e := testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID)
		open, given := testkit.Prescription(t, w.db, e.ID), testkit.Prescription(t, w.db, e.ID)
		medication, quantity := testkit.Medication(t, w.db, 10).ID, int32(1)
		_, err := db.New().PrescriptionDispense(ctx, w.db, db.PrescriptionDispenseParams{
			ID: given.ID, MedicationID: &medication, Quantity: &quantity, AllergyCheck: "clear", Now: new(time.Now()), DispensedByID: &w.admin.user.ID,
		})
		require.NoError(t, err)
		w.admin.call("DELETE", encounterPath(e.ID), nil).refused(t, 409, "already_dispensed")
		require.Equal(t, 200, w.doctor.call("GET", encounterPath(e.ID), nil).status)
		_, err = db.New().PrescriptionLock(ctx, w.db, open.ID)
		require.NoError(t, err)
		require.Empty(t, logged(t, w.db, "prescription", open.ID))
	})
}

func TestEncounterList(t *testing.T) {
	t.Parallel()

	t.Run("filters, search, order and pages", func(t *testing.T) {
		t.Parallel()
		w := newWard(setup(t))
		other := newWard(w.bundle)
		a := w.appointment("scheduled")
		body := w.fever()
		body["appointment"] = a.ID
		booked := w.doctor.call("POST", "/api/encounters/", body)
		require.Equal(t, 201, booked.status, booked.raw)
		for range 8 {
			testkit.Encounter(t, w.db, other.patient.ID, other.doctor.user.ID)
		}
		for query, want := range map[string]int{
			"": 9, "doctor=all": 9, "doctor=me": 1, fmt.Sprintf("doctor=%d", other.doctor.user.ID): 8, "doctor=999999999999999999": 0,
			fmt.Sprintf("patient=%d", w.patient.ID): 1, fmt.Sprintf("appointment=%d", a.ID): 1, "patient=999999999": 0,
			"search=" + url.QueryEscape(w.patient.LastName): 1, "search=" + w.patient.UniqueID: 1,
			"search=" + url.QueryEscape(other.patient.ContactInfo): 8, "search=nobody-of-this-name": 0,
			fmt.Sprintf("patient=%d&doctor=%d", w.patient.ID, other.doctor.user.ID): 0,
			"date_from=0001-01-01&date_to=9999-12-31":                               9, "date_from=9999-12-31": 0, "date_to=0001-01-01": 0,
		} {
			require.EqualValues(t, want, w.doctor.call("GET", "/api/encounters/?"+query, nil).body["count"], query)
		}
		newest, err := w.doctor.ListEncountersWithResponse(context.Background(), &client.ListEncountersParams{PageSize: new(int64(1))})
		require.NoError(t, err)
		oldest := w.doctor.call("GET", "/api/encounters/?ordering=created_at", nil).body["results"].([]any)
		require.EqualValues(t, newest.JSON200.Results[0].ID, oldest[8].(map[string]any)["id"], "the newest come first")
		for _, field := range []string{"id", "created_at", "updated_at"} {
			for _, ordering := range []string{field, "-" + field} {
				seen := map[any]bool{}
				for next := any(base + "/api/encounters/?page_size=2&cursor=&ordering=" + ordering); next != nil; {
					page := w.doctor.call("GET", strings.TrimPrefix(next.(string), base), nil)
					require.Equal(t, 200, page.status, page.raw)
					for _, row := range page.body["results"].([]any) {
						seen[row.(map[string]any)["id"]] = true
					}
					next = page.body["next"]
				}
				require.Len(t, seen, 9, ordering)
			}
		}
	})

	t.Run("days are the hospital's", func(t *testing.T) {
		t.Parallel()
		zone, err := time.LoadLocation("Africa/Cairo") // where the 24th of April 2026 begins at 01:00
		require.NoError(t, err)
		w := newWard(setup(t, func(o *server.Options) { o.Zone = zone }))
		for _, at := range []string{"2026-04-22T22:00:00Z", "2026-04-23T21:59:59Z", "2026-04-23T22:00:00Z", "2026-04-24T20:59:59Z", "2026-04-24T21:00:00Z"} {
			w.now, err = time.Parse(time.RFC3339, at)
			require.NoError(t, err)
			require.Equal(t, 201, w.asUser(w.doctor.user).call("POST", "/api/encounters/", w.fever()).status)
		}
		for query, want := range map[string]int{
			"date_from=2026-04-23&date_to=2026-04-23": 2, "date_from=2026-04-24&date_to=2026-04-24": 2, "date_from=2026-04-25": 1,
			"date_to=2026-04-22": 0, "date_to=2026-04-24": 4, "date_from=2026-04-24&date_to=2026-04-23": 0,
		} {
			require.EqualValues(t, want, w.asUser(w.doctor.user).call("GET", "/api/encounters/?"+query, nil).body["count"], query)
		}
	})
}
