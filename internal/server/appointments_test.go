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

// clinic is a hospital with a doctor and a patient who has an account. It is seven
// o'clock in the morning of Monday, 2 June 2025.
type clinic struct {
	*bundle
	desk, doctor, portal caller
	patient              db.CorePatient
}

const today = "2025-06-02"

func newClinic(t testing.TB, change ...func(*server.Options)) clinic {
	t.Helper()
	return clinicOn(t, testkit.Tx(t), change...)
}

func clinicOn(t testing.TB, conn pg.DB, change ...func(*server.Options)) clinic {
	t.Helper()
	b := setupOn(t, conn, change...)
	b.now = time.Date(2025, 6, 2, 7, 0, 0, 0, b.options.Zone)
	k := clinic{bundle: b, desk: b.as("Receptionist"), doctor: b.as("Doctor"), portal: b.as("Patient")}
	k.patient = testkit.Patient(t, conn, &k.portal.user.ID)
	return k
}

// at is a booking of the clinic's patient and doctor; pairs of a property and a value
// change it.
func (k clinic) at(date, clock string, pairs ...any) map[string]any {
	body := map[string]any{"patient": k.patient.ID, "doctor": k.doctor.user.ID, "date": date, "time": clock}
	for i := 0; i+1 < len(pairs); i += 2 {
		body[pairs[i].(string)] = pairs[i+1]
	}
	return body
}

// book makes an appointment as the desk and returns its path.
func (k clinic) book(date, clock string, pairs ...any) string {
	k.t.Helper()
	made := k.desk.call("POST", "/api/appointments/", k.at(date, clock, pairs...))
	require.Equal(k.t, 201, made.status, made.raw)
	return fmt.Sprintf("/api/appointments/%v/", made.body["id"])
}

func (k clinic) set(key, value string) {
	k.t.Helper()
	tag, err := k.db.Exec(context.Background(), "UPDATE core_systemsetting SET value = $2 WHERE key = $1", key, value)
	require.NoError(k.t, err)
	require.EqualValues(k.t, 1, tag.RowsAffected())
}

// column reads one column of a query's rows.
func (k clinic) column(sql string, args ...any) []string {
	k.t.Helper()
	rows, err := k.db.Query(context.Background(), sql, args...)
	require.NoError(k.t, err)
	values := []string{}
	for rows.Next() {
		var v string
		require.NoError(k.t, rows.Scan(&v))
		values = append(values, v)
	}
	require.NoError(k.t, rows.Err())
	return values
}

func idOf(path string) string { return strings.Split(path, "/")[3] }

func TestAppointments(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("a record's whole life", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		made := k.desk.call("POST", "/api/appointments/", k.at("2025-06-10", "09:30", "notes", " Follow-up "))
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, `"1"`, made.header.Get("ETag"))
		id := made.body["id"]
		for name, value := range map[string]any{
			"date": "2025-06-10", "time": "09:30:00", "starts_at": "2025-06-10T09:30:00Z", "ends_at": "2025-06-10T10:00:00Z",
			"duration_minutes": 30.0, "status": "scheduled", "notes": "Follow-up", "overbooked": false, "overbook_reason": "",
			"patient_name": k.patient.FirstName + " " + k.patient.LastName, "created_at": "2025-06-02T07:00:00Z",
			"doctor_name": k.doctor.user.FirstName + " " + k.doctor.user.LastName,
		} {
			require.Equal(t, value, made.body[name], name)
		}

		path := fmt.Sprintf("/api/appointments/%v/", id)
		patched := k.desk.call("PATCH", path, map[string]any{"time": "10:15:30", "status": "confirmed"}, "If-Match", `"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, "2025-06-10T10:15:30Z", patched.body["starts_at"])
		require.Equal(t, "2025-06-10T10:45:30Z", patched.body["ends_at"])
		require.Equal(t, "Follow-up", patched.body["notes"])
		k.desk.call("PATCH", path, map[string]any{"notes": "x"}, "If-Match", `"1"`).refused(t, 412, "stale")

		replaced := k.desk.call("PUT", path, k.at("2025-06-11", "09:30", "duration_minutes", 45), "If-Match", `"2"`)
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, "", replaced.body["notes"], "PUT empties what is left out")
		require.Equal(t, "confirmed", replaced.body["status"], "but the status stays")
		require.Equal(t, "2025-06-11T10:15:00Z", replaced.body["ends_at"])
		require.EqualValues(t, 30, k.desk.call("PUT", path, k.at("2025-06-11", "09:30")).body["duration_minutes"])

		read, err := k.desk.GetAppointmentWithResponse(ctx, int64(id.(float64)))
		require.NoError(t, err)
		require.Equal(t, client.AppointmentStatusConfirmed, read.JSON200.Status)
		require.Equal(t, `"4"`, read.HTTPResponse.Header.Get("ETag"))
		admin := k.as("Admin")
		admin.call("DELETE", path, nil, "If-Match", `"1"`).refused(t, 412, "stale")
		require.Equal(t, 204, admin.call("DELETE", path, nil).status)
		k.desk.call("GET", path, nil).refused(t, 404, "not_found")
	})

	t.Run("every write is in the audit log", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		path := k.book("2025-06-10", "09:30")
		k.desk.call("PATCH", path, map[string]any{"status": "confirmed"})
		k.as("Admin").call("DELETE", path, nil)
		log := k.column(`SELECT action || ' ' || patient_id || ' ' || (details #- '{after,id}')::text FROM core_auditlog
			WHERE action <> 'view' AND object_type = 'appointment' AND object_id = $1 ORDER BY id`, idOf(path))
		require.Len(t, log, 3)
		require.Contains(t, log[0], fmt.Sprintf(`create %d {"after": {"date": "2025-06-10`, k.patient.ID))
		require.Equal(t, fmt.Sprintf(`edit %d {"after": {"status": "confirmed"}, "before": {"status": "scheduled"}}`, k.patient.ID), log[1])
		require.Contains(t, log[2], "delete")
	})

	t.Run("the usual length is a setting", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		k.set("appointment_duration", "20")
		require.EqualValues(t, 20, k.desk.call("POST", "/api/appointments/", k.at("2025-06-10", "09:30")).body["duration_minutes"])
		k.set("appointment_duration", "soon")
		require.EqualValues(t, 30, k.desk.call("POST", "/api/appointments/", k.at("2025-06-11", "09:30")).body["duration_minutes"])
	})

	t.Run("a repeated booking books once", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		first := k.desk.call("POST", "/api/appointments/", k.at(today, "09:30"), "Idempotency-Key", "k")
		require.Equal(t, 201, first.status, first.raw)
		k.now = k.now.Add(20 * time.Hour) // by now the day is past, and still the answer is the first
		again := k.asUser(k.desk.user).call("POST", "/api/appointments/", k.at(today, "09:30"), "Idempotency-Key", "k")
		require.Equal(t, first.raw, again.raw)
		require.Equal(t, []string{"1"}, k.column("SELECT count(*)::text FROM core_appointment"))
		require.Equal(t, []string{"2"}, k.column("SELECT count(*)::text FROM core_notification"))
		desk := k.asUser(k.desk.user)
		desk.call("POST", "/api/appointments/", k.at("2025-06-03", "09:30"), "Idempotency-Key", "k").refused(t, 422, "idempotency_key_reused")
	})

	t.Run("a Patient sees the own ones only", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		own, foreign := k.book("2025-06-10", "09:30"), k.book("2025-06-10", "10:00", "patient", testkit.Patient(t, k.db, nil).ID)
		require.Equal(t, 200, k.portal.call("GET", own, nil).status)
		hidden := k.portal.call("GET", foreign, nil).refused(t, 404, "not_found")
		require.Equal(t, hidden.body["detail"], k.portal.call("GET", "/api/appointments/999999999/", nil).refused(t, 404, "not_found").body["detail"])
		list := k.portal.call("GET", "/api/appointments/", nil)
		require.EqualValues(t, 1, list.body["count"], list.raw)
		require.EqualValues(t, 2, k.desk.call("GET", "/api/appointments/", nil).body["count"])
	})

	t.Run("deleting keeps the encounters", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		path := k.book("2025-06-10", "09:30")
		e := testkit.Encounter(t, k.db, k.patient.ID, k.doctor.user.ID)
		_, err := k.db.Exec(ctx, "UPDATE core_encounter SET appointment_id = $1 WHERE id = $2", idOf(path), e.ID)
		require.NoError(t, err)
		k.desk.call("DELETE", path, nil).refused(t, 403, "forbidden")
		require.Equal(t, 204, k.as("Admin").call("DELETE", path, nil).status)
		require.Equal(t, []string{"true"}, k.column("SELECT (appointment_id IS NULL)::text FROM core_encounter WHERE id = $1", e.ID))
	})
}

func TestAppointmentInput(t *testing.T) {
	t.Parallel()
	k := newClinic(t)
	deactivated := testkit.User(t, k.db, "Doctor")
	_, err := k.db.Exec(context.Background(), "UPDATE core_user SET is_active = false WHERE id = $1", deactivated.ID)
	require.NoError(t, err)
	survivor, merged := testkit.Patient(t, k.db, nil), testkit.Patient(t, k.db, nil)
	_, err = k.db.Exec(context.Background(), "UPDATE core_patient SET merged_into_id = $1 WHERE id = $2", survivor.ID, merged.ID)
	require.NoError(t, err)
	path := k.book("2025-06-10", "09:30")

	t.Run("names every field and changes nothing", func(t *testing.T) {
		bad := k.desk.call("POST", "/api/appointments/", map[string]any{
			"patient": 0, "doctor": "me", "time": "24:00", "status": "late", "duration_minutes": 1441, "overbooked": true, "colour": 1,
		}).refused(t, 400, "invalid")
		require.Equal(t, map[string]string{
			"patient": "too_small", "doctor": "wrong_type", "date": "required", "time": "invalid", "status": "invalid_choice",
			"duration_minutes": "too_large", "overbooked": "read_only", "colour": "unknown_property",
		}, bad.fields())
		bad = k.desk.call("POST", "/api/appointments/", map[string]any{
			"patient": 999999999, "doctor": 999999999, "date": "2025-06-01", "time": "09:30", "status": "no_show",
		}).refused(t, 400, "invalid")
		require.Equal(t, map[string]string{"patient": "does_not_exist", "doctor": "does_not_exist", "status": "invalid_choice"}, bad.fields())
		require.EqualValues(t, 1, k.desk.call("GET", path, nil).body["version"])
		require.Equal(t, []string{"1"}, k.column("SELECT count(*)::text FROM core_appointment"))
	})

	for name, test := range map[string]struct {
		body map[string]any
		want map[string]string
	}{
		"doctor is a nurse":       {k.at(today, "08:00", "doctor", k.desk.user.ID), map[string]string{"doctor": "does_not_exist"}},
		"doctor is deactivated":   {k.at(today, "08:00", "doctor", deactivated.ID), map[string]string{"doctor": "does_not_exist"}},
		"no such patient":         {k.at(today, "08:00", "patient", 999999999), map[string]string{"patient": "does_not_exist"}},
		"begins as cancelled":     {k.at("2025-06-12", "08:00", "status", "cancelled"), map[string]string{"status": "invalid_choice"}},
		"the last year there is":  {k.at("9999-12-31", "23:59:59"), map[string]string{"date": "out_of_range"}},
		"the first year there is": {k.at("0001-01-01", "00:00"), map[string]string{"date": "out_of_range"}},
		"before any calendar":     {k.at("0000-01-01", "00:00"), map[string]string{"date": "out_of_range"}},
		"PostgreSQL's last year":  {k.at("294277-01-01", "00:00"), map[string]string{"date": "invalid_date"}},
		"five years and a day":    {k.at("2030-06-03", "08:00"), map[string]string{"date": "out_of_range"}},
		"1899":                    {k.at("1899-12-31", "08:00", "status", "completed"), map[string]string{"date": "out_of_range"}},
		"no day":                  {k.at("2025-02-30", "08:00"), map[string]string{"date": "invalid_date"}},
		"no time":                 {k.at(today, "8:00"), map[string]string{"time": "invalid"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, k.desk.call("POST", "/api/appointments/", test.body).refused(t, 400, "invalid").fields())
			if len(test.body["date"].(string)) == len(today) && name != "begins as cancelled" && name != "1899" {
				delete(test.body, "status")
				require.Equal(t, test.want, k.desk.call("PATCH", path, test.body).refused(t, 400, "invalid").fields(), "PATCH")
				require.Equal(t, test.want, k.desk.call("PUT", path, test.body).refused(t, 400, "invalid").fields(), "PUT")
			}
		})
	}

	t.Run("a merged patient", func(t *testing.T) {
		for _, answer := range []answer{
			k.desk.call("POST", "/api/appointments/", k.at(today, "08:00", "patient", merged.ID)),
			k.desk.call("PATCH", path, map[string]any{"patient": merged.ID}),
		} {
			require.EqualValues(t, survivor.ID, answer.refused(t, 409, "patient_merged").body["merged_into"])
		}
	})

	t.Run("what was on a day that is past can be entered", func(t *testing.T) {
		for i, status := range []string{"scheduled", "confirmed", "checked_in", "in_progress", "completed"} {
			k.book("2025-06-01", fmt.Sprintf("1%d:00", i), "status", status)
		}
		k.book("1900-01-01", "08:00", "status", "completed")
		k.book("2030-06-02", "08:00")
		k.book(today, "06:00") // earlier today
	})

	t.Run("ids and parameters", func(t *testing.T) {
		for _, id := range []string{"abc", "0", "-1", "99999999999999999999"} {
			k.desk.call("GET", "/api/appointments/"+id+"/", nil).refused(t, 404, "not_found")
		}
		k.desk.call("PATCH", "/api/appointments/999999999/", map[string]any{"notes": "x"}).refused(t, 404, "not_found")
		k.desk.call("PUT", "/api/appointments/999999999/", k.at(today, "08:00")).refused(t, 404, "not_found")
		k.as("Admin").call("DELETE", "/api/appointments/999999999/", nil).refused(t, 404, "not_found")
		require.Equal(t, map[string]string{
			"doctor": "invalid", "status": "invalid_choice", "date": "invalid_date", "department": "invalid_choice", "ordering": "invalid_choice",
		}, k.desk.call("GET", "/api/appointments/?doctor=you&status=late&date=today&department=x&ordering=name", nil).refused(t, 400, "invalid").fields())
	})
}

func TestAppointmentList(t *testing.T) {
	t.Parallel()
	k := newClinic(t)
	second, other := k.as("Doctor"), testkit.Patient(t, k.db, nil)
	k.book("2025-06-10", "09:30")
	k.book("2025-06-10", "08:00", "status", "confirmed")
	k.book("2025-06-11", "08:00", "patient", other.ID)
	k.book("2025-06-12", "08:00", "doctor", second.user.ID)
	k.book("2025-06-09", "08:00", "doctor", second.user.ID, "patient", other.ID)

	for query, want := range map[string]int{
		"": 5, "doctor=all&department=all": 5, "doctor=me": 3, fmt.Sprint("doctor=", second.user.ID): 2, "doctor=999999999999999999": 0,
		fmt.Sprint("patient=", other.ID): 2, "status=confirmed": 1, "date=2025-06-10": 2, "date_from=2025-06-11": 2,
		"date_to=2025-06-10": 3, "date_from=2025-06-10&date_to=2025-06-11": 3, "date_from=2025-06-11&date_to=2025-06-10": 0,
		"search=" + other.FirstName: 2, "search=" + k.patient.UniqueID: 3, "search=" + other.LastName + "&doctor=me": 1,
		"search=nobody": 0, "date=0001-01-01": 0, "date_to=9999-12-31": 5,
	} {
		list := k.doctor.call("GET", "/api/appointments/?"+query, nil)
		require.EqualValues(t, want, list.body["count"], "%s: %s", query, list.raw)
	}

	list := k.doctor.call("GET", "/api/appointments/", nil)
	var when []string
	for _, row := range list.body["results"].([]any) {
		a := row.(map[string]any)
		when = append(when, fmt.Sprint(a["date"], " ", a["time"]))
	}
	require.Equal(t, []string{"2025-06-12 08:00:00", "2025-06-11 08:00:00", "2025-06-10 09:30:00", "2025-06-10 08:00:00", "2025-06-09 08:00:00"}, when)

	for _, field := range []string{"date", "created_at", "updated_at", "id"} {
		for _, ordering := range []string{field, "-" + field} {
			seen := map[any]bool{}
			next := any(base + "/api/appointments/?page_size=2&cursor=&ordering=" + url.QueryEscape(ordering))
			for next != nil {
				page := k.doctor.call("GET", strings.TrimPrefix(next.(string), base), nil)
				require.Equal(t, 200, page.status, page.raw)
				for _, row := range page.body["results"].([]any) {
					seen[row.(map[string]any)["id"]] = true
				}
				next = page.body["next"]
			}
			require.Len(t, seen, 5, ordering)
		}
	}
	typed, err := k.desk.ListAppointmentsWithResponse(context.Background(), &client.ListAppointmentsParams{Status: new(client.AppointmentStatusConfirmed)})
	require.NoError(t, err)
	require.Len(t, typed.JSON200.Results, 1)
	k.nobody().call("GET", "/api/appointments/", nil).refused(t, 401, "not_authenticated")
}
