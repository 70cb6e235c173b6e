package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/server"
	"chelal/internal/testkit"
)

// TestAppointmentStates tries every move between two states.
func TestAppointmentStates(t *testing.T) {
	t.Parallel()
	states := []string{"scheduled", "confirmed", "checked_in", "in_progress", "completed", "cancelled", "no_show"}
	allowed := map[string]string{
		"scheduled":   "scheduled confirmed checked_in in_progress completed cancelled no_show",
		"confirmed":   "confirmed checked_in in_progress completed cancelled no_show",
		"checked_in":  "checked_in in_progress completed cancelled no_show",
		"in_progress": "in_progress completed cancelled no_show",
		"completed":   "completed", "cancelled": "cancelled", "no_show": "no_show",
	}
	for _, from := range states {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			k := newClinic(t)
			for i, to := range states {
				day := fmt.Sprintf("2025-06-1%d", i)
				for method, body := range map[string]map[string]any{
					"PUT": k.at(day, "09:00", "status", to, "notes", "x"), "PATCH": {"status": to},
				} {
					path := k.book(day, "09:00")
					require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"status": from}).status)
					move := k.desk.call(method, path, body)
					_, err := k.db.Exec(context.Background(), "DELETE FROM core_appointment")
					require.NoError(t, err)
					if slices.Contains(strings.Fields(allowed[from]), to) {
						require.Equal(t, 200, move.status, "%s to %s: %s", method, to, move.raw)
						require.Equal(t, to, move.body["status"])
						continue
					}
					require.Equal(t, map[string]string{"status": "invalid_transition"}, move.refused(t, 409, "invalid_transition").fields())
				}
			}
		})
	}
}

func TestAppointmentOver(t *testing.T) {
	t.Parallel()
	k := newClinic(t)
	for i, status := range []string{"completed", "cancelled", "no_show"} {
		path := k.book(fmt.Sprintf("2025-06-1%d", i), "09:30", "notes", "before")
		require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"status": status}).status)
		for name, value := range map[string]any{
			"date": "2025-06-20", "time": "10:00", "duration_minutes": 15, "patient": testkit.Patient(t, k.db, nil).ID,
			"doctor": testkit.User(t, k.db, "Doctor").ID,
		} {
			k.desk.call("PATCH", path, map[string]any{name: value}).refused(t, 409, "appointment_over")
		}
		k.doctor.call("PATCH", path, map[string]any{"overbook_reason": "x"}).refused(t, 409, "appointment_over")
		noted := k.desk.call("PATCH", path, map[string]any{"notes": "after", "time": "09:30", "status": status})
		require.Equal(t, "after", noted.body["notes"], noted.raw)
	}
}

func TestAppointmentOverlaps(t *testing.T) {
	t.Parallel()
	k := newClinic(t)
	k.book(today, "10:00")
	other := testkit.Patient(t, k.db, nil)

	t.Run("of the doctor", func(t *testing.T) {
		for clock, minutes := range map[string]int{"10:00": 30, "09:31": 30, "10:29": 1, "09:00": 180, "10:10": 5} {
			k.desk.call("POST", "/api/appointments/", k.at(today, clock, "duration_minutes", minutes, "patient", other.ID)).refused(t, 409, "slot_taken")
		}
	})

	t.Run("of the patient", func(t *testing.T) {
		k.desk.call("POST", "/api/appointments/", k.at(today, "10:15", "doctor", k.as("Doctor").user.ID)).refused(t, 409, "slot_taken")
	})

	t.Run("back to back there is none", func(t *testing.T) {
		k.book(today, "09:30")
		k.book(today, "10:30")
	})

	t.Run("a completed one takes no time, an overlap of others no harm", func(t *testing.T) {
		k.book(today, "10:00", "status", "completed")
		k.book(today, "10:00", "patient", other.ID, "doctor", k.as("Doctor").user.ID)
	})

	t.Run("moving into another", func(t *testing.T) {
		path := k.book(today, "14:00")
		k.desk.call("PATCH", path, map[string]any{"time": "10:59"}).refused(t, 409, "slot_taken")
		k.desk.call("PUT", path, k.at(today, "10:59")).refused(t, 409, "slot_taken")
		k.book(today, "15:00")
		k.desk.call("PATCH", path, map[string]any{"duration_minutes": 61}).refused(t, 409, "slot_taken")
		require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"duration_minutes": 60}).status)
		require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"time": "13:30"}).status, "over its own former time")
	})

	t.Run("cancelling frees", func(t *testing.T) {
		path := k.book("2025-06-03", "10:00")
		k.desk.call("POST", "/api/appointments/", k.at("2025-06-03", "10:00")).refused(t, 409, "slot_taken")
		require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"status": "cancelled"}).status)
		k.book("2025-06-03", "10:00")
	})

	t.Run("encounters hold patient and doctor", func(t *testing.T) {
		path := k.book("2025-06-04", "10:00")
		e := testkit.Encounter(t, k.db, k.patient.ID, k.doctor.user.ID)
		_, err := k.db.Exec(context.Background(), "UPDATE core_encounter SET appointment_id = $1 WHERE id = $2", idOf(path), e.ID)
		require.NoError(t, err)
		k.desk.call("PATCH", path, map[string]any{"patient": other.ID}).refused(t, 409, "has_encounters")
		k.desk.call("PATCH", path, map[string]any{"doctor": k.as("Doctor").user.ID}).refused(t, 409, "has_encounters")
		require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"time": "11:00"}).status)
	})
}

// nextFree are the times that a refusal offers.
func nextFree(t *testing.T, a answer) []map[string]any {
	t.Helper()
	offered, ok := a.refused(t, 409, "slot_taken").body["next_free"].([]any)
	require.True(t, ok, a.raw)
	var slots []map[string]any
	for _, s := range offered {
		slots = append(slots, s.(map[string]any))
	}
	return slots
}

func TestNextFree(t *testing.T) {
	t.Parallel()

	times := func(slots []map[string]any) (list []string) {
		for _, s := range slots {
			list = append(list, fmt.Sprint(s["date"], " ", s["time"]))
		}
		return list
	}

	t.Run("is free for both and can be booked", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		busy := k.as("Doctor")
		k.book(today, "10:00")
		k.book(today, "11:00")
		k.book(today, "10:30", "doctor", busy.user.ID)
		k.book(today, "12:30", "patient", testkit.Patient(t, k.db, nil).ID)
		slots := nextFree(t, k.desk.call("POST", "/api/appointments/", k.at(today, "10:15")))
		require.Equal(t, []string{today + " 11:30:00", today + " 12:00:00", today + " 13:00:00"}, times(slots))
		for _, s := range slots {
			made := k.desk.call("POST", "/api/appointments/", k.at(s["date"].(string), s["time"].(string)))
			require.Equal(t, 201, made.status, made.raw)
			require.Equal(t, s["starts_at"], made.body["starts_at"])
			require.Equal(t, s["ends_at"], made.body["ends_at"])
		}
	})

	t.Run("is not before now", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		k.now = time.Date(2025, 6, 2, 16, 45, 0, 0, time.UTC)
		k.desk = k.asUser(k.desk.user)
		k.book(today, "08:00", "duration_minutes", 60)
		slots := nextFree(t, k.desk.call("POST", "/api/appointments/", k.at(today, "08:30")))
		require.Equal(t, []string{today + " 17:00:00", today + " 17:30:00", "2025-06-03 08:00:00"}, times(slots))
	})

	t.Run("of a move leaves the moved one out", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		k.book(today, "09:00")
		path := k.book(today, "10:00")
		for _, a := range []answer{
			k.desk.call("PATCH", path, map[string]any{"time": "09:00", "duration_minutes": 60}),
			k.desk.call("PUT", path, k.at(today, "09:00", "duration_minutes", 60)),
		} {
			slots := nextFree(t, a)
			require.Equal(t, []string{today + " 09:30:00", today + " 10:00:00", today + " 10:30:00"}, times(slots))
		}
		require.Equal(t, 200, k.desk.call("PATCH", path, map[string]any{"time": "09:30", "duration_minutes": 60}).status)
	})

	t.Run("is empty when nothing fits", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		k.book(today, "09:00")
		require.Empty(t, nextFree(t, k.desk.call("POST", "/api/appointments/", k.at(today, "08:00", "duration_minutes", 1440))))
	})

	t.Run("looks sixty days ahead", func(t *testing.T) {
		t.Parallel()
		k := newClinic(t)
		_, err := k.db.Exec(context.Background(), `INSERT INTO core_appointment (patient_id, doctor_id, date, time, starts_at, ends_at, duration_minutes)
			SELECT $1, $2, d, '00:00', d, d + interval '1 day', 1440 FROM generate_series('2025-06-02'::timestamptz, '2025-07-30', '1 day') d`,
			k.patient.ID, k.doctor.user.ID)
		require.NoError(t, err)
		slots := nextFree(t, k.desk.call("POST", "/api/appointments/", k.at(today, "08:00")))
		require.Equal(t, []string{"2025-07-31 08:00:00", "2025-07-31 08:30:00", "2025-07-31 09:00:00"}, times(slots))
		k.book("2025-07-31", "00:00", "duration_minutes", 1440)
		require.Empty(t, nextFree(t, k.desk.call("POST", "/api/appointments/", k.at(today, "08:00"))))
	})
}

func TestOverbooking(t *testing.T) {
	t.Parallel()
	k := newClinic(t)
	admin, nurse, stranger := k.as("Admin"), k.as("Nurse"), k.as("Doctor")
	k.book(today, "10:00")
	reason := k.at(today, "10:00", "overbook_reason", "Emergency", "patient", testkit.Patient(t, k.db, nil).ID)
	forbidden := map[string]string{"overbook_reason": "forbidden"}

	for _, c := range []caller{nurse, stranger, k.desk} {
		require.Equal(t, forbidden, c.call("POST", "/api/appointments/", reason).refused(t, 403, "forbidden").fields())
	}
	made := k.doctor.call("POST", "/api/appointments/", reason)
	require.Equal(t, 201, made.status, made.raw)
	require.Equal(t, true, made.body["overbooked"])
	require.Equal(t, 201, admin.call("POST", "/api/appointments/", reason).status)
	path := fmt.Sprintf("/api/appointments/%v/", made.body["id"])
	require.Equal(t, []string{"appointment: overbooked: Emergency"},
		k.column("SELECT description FROM core_auditlog WHERE action <> 'view' AND object_type = 'appointment' AND object_id = $1", idOf(path)))

	for name, value := range map[string]any{
		"time": "10:05", "date": "2025-06-03", "duration_minutes": 60, "patient": k.patient.ID, "doctor": stranger.user.ID,
		"overbook_reason": "Other",
	} {
		for _, c := range []caller{nurse, stranger} {
			require.Equal(t, forbidden, c.call("PATCH", path, map[string]any{name: value}).refused(t, 403, "forbidden").fields(), name)
		}
	}
	nurse.call("PATCH", path, map[string]any{"overbook_reason": ""}).refused(t, 403, "forbidden")
	require.Equal(t, 200, nurse.call("PATCH", path, map[string]any{"notes": "x", "status": "confirmed"}).status)
	delete(reason, "overbook_reason")
	put := nurse.call("PUT", path, reason)
	require.Equal(t, 200, put.status, put.raw)
	require.Equal(t, "Emergency", put.body["overbook_reason"], "left out, it stays")

	require.Equal(t, 200, k.doctor.call("PATCH", path, map[string]any{"time": "10:05"}).status)
	k.doctor.call("PATCH", path, map[string]any{"doctor": stranger.user.ID}).refused(t, 403, "forbidden") // it is not his time
	nextFree(t, k.doctor.call("PATCH", path, map[string]any{"overbook_reason": "  "}))
	freed := admin.call("PATCH", path, map[string]any{"overbook_reason": "", "time": "10:30"})
	require.Equal(t, false, freed.body["overbooked"], freed.raw)
	k.desk.call("POST", "/api/appointments/", k.at(today, "10:45")).refused(t, 409, "slot_taken")
	taken := stranger.call("PATCH", path, map[string]any{"doctor": stranger.user.ID, "overbook_reason": "Takes over"})
	require.Equal(t, 200, taken.status, taken.raw)
}

func TestSelfBooking(t *testing.T) {
	t.Parallel()
	k := newClinic(t)
	path := k.book(today, "15:00", "notes", "Bring the card")
	k.portal.call("POST", "/api/appointments/", k.at(today, "10:00")).refused(t, 403, "self_booking_disabled")
	k.portal.call("PATCH", path, map[string]any{"status": "cancelled"}).refused(t, 403, "self_booking_disabled")
	k.portal.call("PUT", path, k.at(today, "15:00")).refused(t, 403, "self_booking_disabled")
	k.set("patient_self_booking", "true")
	foreign := testkit.Patient(t, k.db, nil)

	t.Run("books for the own record alone", func(t *testing.T) {
		hidden := k.portal.call("POST", "/api/appointments/", k.at(today, "10:00", "patient", foreign.ID)).refused(t, 400, "invalid")
		absent := k.portal.call("POST", "/api/appointments/", k.at(today, "10:00", "patient", 999999999)).refused(t, 400, "invalid")
		require.Equal(t, hidden.body["errors"], absent.body["errors"])
		require.Equal(t, map[string]string{"patient": "does_not_exist"}, absent.fields())
		made := k.portal.call("POST", "/api/appointments/", k.at(today, "10:00", "status", "scheduled", "notes", "Cough"))
		require.Equal(t, 201, made.status, made.raw)
		nextFree(t, k.portal.call("POST", "/api/appointments/", k.at(today, "10:00")))
	})

	t.Run("within the hours that are to come", func(t *testing.T) {
		for clock, code := range map[string]string{
			"07:00": "in_the_past", "06:30": "in_the_past", "07:30": "outside_working_hours", "17:31": "outside_working_hours",
		} {
			a := k.portal.call("POST", "/api/appointments/", k.at(today, clock)).refused(t, 400, "invalid")
			require.Equal(t, map[string]string{"time": code}, a.fields(), clock)
		}
		require.Equal(t, 201, k.portal.call("POST", "/api/appointments/", k.at(today, "17:30")).status)
		a := k.portal.call("POST", "/api/appointments/", k.at("2025-06-01", "10:00")).refused(t, 400, "invalid")
		require.Equal(t, map[string]string{"date": "in_the_past"}, a.fields())
	})

	t.Run("sets no status and overbooks nothing", func(t *testing.T) {
		a := k.portal.call("POST", "/api/appointments/", k.at(today, "11:00", "status", "confirmed", "overbook_reason", "I must"))
		require.Equal(t, map[string]string{"status": "forbidden", "overbook_reason": "forbidden"}, a.refused(t, 403, "forbidden").fields())
	})

	t.Run("cancels and changes nothing else", func(t *testing.T) {
		for name, value := range map[string]any{
			"status": "confirmed", "notes": "x", "time": "16:00", "date": "2025-06-03", "patient": foreign.ID,
			"doctor": k.as("Doctor").user.ID, "duration_minutes": 15, "overbook_reason": "x",
		} {
			a := k.portal.call("PATCH", path, map[string]any{name: value}).refused(t, 403, "forbidden")
			require.Equal(t, map[string]string{name: "forbidden"}, a.fields())
		}
		a := k.portal.call("PATCH", path, map[string]any{"status": "cancelled", "notes": "Sorry"}).refused(t, 403, "forbidden")
		require.Equal(t, map[string]string{"notes": "forbidden"}, a.fields())
		other := k.book(today, "16:00", "patient", foreign.ID)
		k.portal.call("PATCH", other, map[string]any{"status": "cancelled"}).refused(t, 404, "not_found")
		k.portal.call("PUT", other, k.at(today, "16:00", "patient", foreign.ID, "status", "cancelled")).refused(t, 404, "not_found")
		put := k.portal.call("PUT", path, k.at(today, "15:00", "notes", "Bring the card", "status", "cancelled"))
		require.Equal(t, "cancelled", put.body["status"], put.raw)
		second := k.book(today, "15:00")
		require.Equal(t, 200, k.desk.call("PATCH", second, map[string]any{"status": "confirmed"}).status)
		require.Equal(t, 200, k.portal.call("PATCH", second, map[string]any{"status": "cancelled"}).status)
	})

	t.Run("not what has begun", func(t *testing.T) {
		begun := k.book(today, "06:30")
		k.portal.call("PATCH", begun, map[string]any{"status": "cancelled"}).refused(t, 409, "too_late_to_cancel")
		arrived := k.book(today, "15:00", "status", "checked_in")
		k.portal.call("PATCH", arrived, map[string]any{"status": "cancelled"}).refused(t, 409, "too_late_to_cancel")
		done := k.book(today, "15:30", "status", "completed")
		k.portal.call("PATCH", done, map[string]any{"status": "cancelled"}).refused(t, 409, "invalid_transition")
	})
}

func TestBookingNotices(t *testing.T) {
	t.Parallel()
	k := newClinic(t, func(o *server.Options) { o.Zone = mustZone(t, "Africa/Nairobi") })
	ctx := context.Background()
	for user, language := range map[int64]string{k.portal.user.ID: "sw", k.doctor.user.ID: "fr"} {
		_, err := k.db.Exec(ctx, "UPDATE core_user SET language_preference = $1 WHERE id = $2", language, user)
		require.NoError(t, err)
	}
	english := k.as("Doctor")
	patient := k.patient.FirstName + " " + k.patient.LastName
	doctor := k.doctor.user.FirstName + " " + k.doctor.user.LastName
	replacement := english.user.FirstName + " " + english.user.LastName
	// news answers what somebody was told since the last time.
	seen := 0
	news := func() map[int64]string {
		rows, err := k.db.Query(ctx, "SELECT id, user_id, type || ': ' || title || ': ' || message FROM core_notification WHERE id > $1 ORDER BY id", seen)
		require.NoError(t, err)
		told := map[int64]string{}
		for rows.Next() {
			var user int64
			var message string
			require.NoError(t, rows.Scan(&seen, &user, &message))
			require.NotContains(t, told, user, "told twice")
			told[user] = message
		}
		return told
	}

	path := k.book("2025-12-01", "09:30")
	require.Equal(t, map[int64]string{
		k.portal.user.ID: "appointment_booked: Miadi imewekwa: " + patient + " ana miadi na " + doctor + " tarehe 1 Desemba 2025, 09:30 (dakika 30).",
		k.doctor.user.ID: "appointment_booked: Rendez-vous fixé: " + patient + " a rendez-vous avec " + doctor + " le 1er décembre 2025 à 09:30 (30 min).",
	}, news())
	require.Equal(t, []string{idOf(path), idOf(path)}, k.column("SELECT related_appointment_id::text FROM core_notification"))

	k.desk.call("PATCH", path, map[string]any{"notes": "x", "status": "confirmed"})
	require.Empty(t, news(), "nothing to tell")
	k.desk.call("PATCH", path, map[string]any{"date": "2025-12-02", "duration_minutes": 45})
	require.Equal(t, map[int64]string{
		k.portal.user.ID: "appointment_rescheduled: Miadi imebadilishwa: Miadi ya " + patient + " na " + doctor + " imebadilishwa. Sasa ni tarehe 2 Desemba 2025, 09:30 (dakika 45).",
		k.doctor.user.ID: "appointment_rescheduled: Rendez-vous déplacé: Le rendez-vous entre " + patient + " et " + doctor + " a changé. Il a maintenant lieu le 2 décembre 2025 à 09:30 (45 min).",
	}, news())
	k.desk.call("PATCH", path, map[string]any{"doctor": english.user.ID, "time": "10:00"})
	told := news()
	require.Len(t, told, 3)
	require.Equal(t, "appointment_cancelled: Rendez-vous annulé: Le rendez-vous entre "+patient+" et "+doctor+", prévu le 2 décembre 2025 à 09:30, est annulé.", told[k.doctor.user.ID])
	require.Equal(t, "appointment_booked: Appointment booked: "+patient+" has an appointment with "+replacement+" on 2 December 2025 at 10:00 (45 min).", told[english.user.ID])
	require.Contains(t, told[k.portal.user.ID], "appointment_rescheduled")
	k.desk.call("PATCH", path, map[string]any{"status": "cancelled"})
	require.Equal(t, map[int64]string{
		k.portal.user.ID: "appointment_cancelled: Miadi imeghairiwa: Miadi ya " + patient + " na " + replacement + " ya tarehe 2 Desemba 2025, 10:00, imeghairiwa.",
		english.user.ID:  "appointment_cancelled: Appointment cancelled: The appointment of " + patient + " with " + replacement + " on 2 December 2025 at 10:00 has been cancelled.",
	}, news())

	over := k.book("2025-06-01", "09:30", "status", "completed")
	require.Empty(t, news(), "it is over already")
	admin := k.as("Admin")
	require.Equal(t, 204, admin.call("DELETE", over, nil).status)
	require.Empty(t, news(), "nobody waits for it")
	path = k.book("2025-12-03", "09:30")
	require.Len(t, news(), 2)
	require.Equal(t, 204, admin.call("DELETE", path, nil).status)
	require.Equal(t, map[int64]string{
		k.portal.user.ID: "appointment_cancelled: Miadi imeghairiwa: Miadi ya " + patient + " na " + doctor + " ya tarehe 3 Desemba 2025, 09:30, imeghairiwa.",
		k.doctor.user.ID: "appointment_cancelled: Rendez-vous annulé: Le rendez-vous entre " + patient + " et " + doctor + ", prévu le 3 décembre 2025 à 09:30, est annulé.",
	}, news())
	k.book("2025-12-01", "09:30", "patient", testkit.Patient(t, k.db, nil).ID)
	require.Len(t, news(), 1, "a patient without an account cannot be told")
	k.desk.call("POST", "/api/appointments/", k.at("2025-12-01", "09:30")).refused(t, 409, "slot_taken")
	require.Empty(t, news(), "nothing happened")
}
