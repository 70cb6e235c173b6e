package server_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/testkit"
)

// booking is a body that books an appointment.
func booking(patient, doctor int64, day int) map[string]any {
	return map[string]any{"patient": patient, "doctor": doctor, "date": fmt.Sprintf("2031-03-%02d", day), "time": "09:30"}
}

// book books an appointment and returns its id.
func (l *live) book(c caller, patient, doctor int64, day int) int64 {
	l.t.Helper()
	a := c.call("POST", "/api/appointments/", booking(patient, doctor, day))
	require.Equal(l.t, 201, a.status, a.raw)
	return int64(a.body["id"].(float64))
}

func TestNotificationsArriveLive(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	desk, doctor, other, portal := l.as("Receptionist"), l.as("Doctor"), l.as("Doctor"), l.as("Patient")
	patient := testkit.Patient(t, l.db, &portal.user.ID)
	toDoctor := l.listen(doctor, fmt.Sprintf("/ws/notifications/%d/", doctor.user.ID), "ready")
	toPortal := l.listen(portal, "/ws/notifications/", "ready")
	toOther := l.listen(other, "/ws/notifications/", "ready")

	id := l.book(desk, patient.ID, doctor.user.ID, 3)
	for user, s := range map[int64]*listener{doctor.user.ID: toDoctor, portal.user.ID: toPortal} {
		m := s.next()
		require.Equal(t, "notification", m.Type)
		require.Equal(t, "Appointment booked", m.Data["title"])
		require.EqualValues(t, user, m.Data["user"])
		require.EqualValues(t, id, m.Data["related_appointment"])
		var message string
		require.NoError(t, l.db.QueryRow(t.Context(), "SELECT message FROM core_notification WHERE id = $1 AND user_id = $2",
			m.Data["id"], user).Scan(&message))
		require.Equal(t, message, m.Data["message"])
	}
	l.book(desk, patient.ID, other.user.ID, 4)
	require.EqualValues(t, other.user.ID, toOther.next().Data["user"], "the first that is told is the own one")
}

func TestAppointmentsArriveLiveToWhomeverMaySeeThem(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	desk, admin, doctor, first, second := l.as("Receptionist"), l.as("Admin"), l.as("Doctor"), l.as("Patient"), l.as("Patient")
	one, two := testkit.Patient(t, l.db, &first.user.ID), testkit.Patient(t, l.db, &second.user.ID)
	staff := l.listen(l.as("Nurse"), "/ws/appointments/", "ready")
	toFirst, toSecond := l.listen(first, "/ws/appointments/", "ready"), l.listen(second, "/ws/appointments/", "ready")
	expect := func(s *listener, kind string, patient int64, status string, version int) {
		t.Helper()
		m := s.next()
		require.Equal(t, kind, m.Type)
		require.EqualValues(t, patient, m.Data["patient"])
		require.EqualValues(t, doctor.user.ID, m.Data["doctor"])
		require.Equal(t, status, m.Data["status"])
		require.EqualValues(t, version, m.Data["version"])
	}

	id := l.book(desk, one.ID, doctor.user.ID, 3)
	path := fmt.Sprintf("/api/appointments/%d/", id)
	expect(staff, "appointment.created", one.ID, "scheduled", 1)
	expect(toFirst, "appointment.created", one.ID, "scheduled", 1)

	require.Equal(t, 200, desk.call("PATCH", path, `{"status": "confirmed"}`).status)
	expect(staff, "appointment.updated", one.ID, "confirmed", 2)
	expect(toFirst, "appointment.updated", one.ID, "confirmed", 2)

	require.Equal(t, 200, desk.call("PATCH", path, map[string]any{"patient": two.ID}).status)
	expect(staff, "appointment.updated", two.ID, "confirmed", 3)
	expect(toFirst, "appointment.deleted", one.ID, "confirmed", 3)
	expect(toSecond, "appointment.updated", two.ID, "confirmed", 3)

	encounter := map[string]any{"patient": two.ID, "appointment": id, "notes": "Fever", "diagnosis": "Malaria"}
	a := doctor.call("POST", "/api/encounters/", encounter)
	require.Equal(t, 201, a.status, a.raw)
	expect(staff, "appointment.updated", two.ID, "in_progress", 4)
	expect(toSecond, "appointment.updated", two.ID, "in_progress", 4)

	require.Equal(t, 204, admin.call("DELETE", path, nil).status)
	expect(staff, "appointment.deleted", two.ID, "in_progress", 4)
	expect(toSecond, "appointment.deleted", two.ID, "in_progress", 4)

	refused := desk.call("POST", "/api/appointments/", booking(one.ID, desk.user.ID, 3))
	require.Equal(t, 400, refused.status, "what is not written is not told")
	l.book(desk, one.ID, doctor.user.ID, 5)
	expect(staff, "appointment.created", one.ID, "scheduled", 1)
	expect(toFirst, "appointment.created", one.ID, "scheduled", 1)
}

func TestASocketResumes(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	desk, doctor, nurse, portal := l.as("Receptionist"), l.as("Doctor"), l.as("Nurse"), l.as("Patient")
	one, foreign := testkit.Patient(t, l.db, &portal.user.ID), testkit.Patient(t, l.db, nil)
	staff, own := l.listen(nurse, "/ws/appointments/", "ready"), l.listen(portal, "/ws/appointments/", "ready")
	l.book(desk, one.ID, doctor.user.ID, 1)
	last, ownLast := staff.next().ID, own.next().ID
	require.Equal(t, last, ownLast)
	staff.leave()
	own.leave()
	ids := []int64{l.book(desk, one.ID, doctor.user.ID, 2), l.book(desk, foreign.ID, doctor.user.ID, 3), l.book(desk, one.ID, doctor.user.ID, 4)}

	again := l.open(nurse, fmt.Sprintf("/ws/appointments/?last_event_id=%d", last))
	require.Equal(t, ids, again.appointments(3))
	ownAgain := l.open(portal, fmt.Sprintf("/ws/appointments/?last_event_id=%d", ownLast))
	require.Equal(t, []int64{ids[0], ids[2]}, ownAgain.appointments(2), "another's is not told again either")

	ids = []int64{l.book(desk, foreign.ID, doctor.user.ID, 5), l.book(desk, one.ID, doctor.user.ID, 6)}
	require.Equal(t, ids, again.appointments(2))
	require.Equal(t, ids[1:], ownAgain.appointments(1))
}

// appointments reads until so many appointments have been told, each after the one before,
// and returns which.
func (s *listener) appointments(n int) []int64 {
	s.t.Helper()
	var ids []int64
	for last := int64(0); len(ids) < n; {
		m := s.next()
		require.GreaterOrEqual(s.t, m.ID, last)
		last = m.ID
		if m.Type != "ready" { // it comes when what was missed has been told
			ids = append(ids, int64(m.Data["appointment"].(float64)))
		}
	}
	return ids
}

func TestWhoeverCannotResumeIsToldToReadAnew(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	desk, doctor, nurse := l.as("Receptionist"), l.as("Doctor"), l.as("Nurse")
	patient := testkit.Patient(t, l.db, nil)
	s := l.listen(nurse, "/ws/appointments/", "ready")
	for day := range 3 {
		l.book(desk, patient.ID, doctor.user.ID, day+1)
	}
	first := s.next().ID
	s.next()
	last := s.next().ID
	for _, after := range []int64{last + 100, last + 1000} {
		l.listen(nurse, fmt.Sprintf("/ws/appointments/?last_event_id=%d", after), "resync")
	}
	_, err := l.db.Exec(t.Context(), "UPDATE core_event SET created_at = now() - interval '25 hours' WHERE number <= $1", first)
	require.NoError(t, err)
	_, err = db.New().EventsExpire(t.Context(), l.db, time.Now().Add(-24*time.Hour))
	require.NoError(t, err)
	l.listen(nurse, fmt.Sprintf("/ws/appointments/?last_event_id=%d", first), "appointment.created")
	l.listen(nurse, fmt.Sprintf("/ws/appointments/?last_event_id=%d", first-1), "resync")

	_, err = db.New().EventsExpire(t.Context(), l.db, time.Now().Add(time.Hour))
	require.NoError(t, err)
	l.book(desk, patient.ID, doctor.user.ID, 9)
	require.Greater(t, s.next().ID, last, "the numbers go on though everything has expired")
}

// TestASocketFollowsWhatItsUserMaySee changes what users may see while they listen.
func TestASocketFollowsWhatItsUserMaySee(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	admin, desk, doctor := l.as("Admin"), l.as("Receptionist"), l.as("Doctor")
	role := func(c caller, name string) {
		t.Helper()
		a := admin.call("PATCH", fmt.Sprintf("/api/users/%d/", c.user.ID), map[string]any{"role_id": roleID(t, l.bundle, name)})
		require.Equal(t, 200, a.status, a.raw)
	}
	t.Run("sign-out", func(t *testing.T) {
		one := l.as("Pharmacist")
		mine, elsewhere := l.listen(one, "/ws/notifications/", "ready"), l.listen(l.asUser(one.user), "/ws/notifications/", "ready")
		require.Equal(t, 204, one.call("POST", "/api/auth/logout/", nil).status)
		mine.closed(1008)
		l.runLow()
		require.Equal(t, "notification", elsewhere.next().Type, "another session goes on")
	})
	t.Run("deactivation", func(t *testing.T) {
		nurse := l.as("Nurse")
		s := l.listen(nurse, "/ws/dashboard/", "ready")
		require.Equal(t, "figures", s.next().Type)
		require.Equal(t, 200, admin.call("PATCH", fmt.Sprintf("/api/users/%d/", nurse.user.ID), `{"is_active": false}`).status)
		s.closed(1008)
	})
	t.Run("a role that may not", func(t *testing.T) {
		nurse := l.as("Nurse")
		s := l.listen(nurse, "/ws/dashboard/", "ready")
		require.Equal(t, "figures", s.next().Type)
		role(nurse, "Patient")
		s.closed(1008)
	})
	t.Run("a deletion", func(t *testing.T) {
		nurse := l.as("Nurse")
		s := l.listen(nurse, "/ws/appointments/", "ready")
		require.Equal(t, 204, admin.call("DELETE", fmt.Sprintf("/api/users/%d/", nurse.user.ID), nil).status)
		s.closed(1008)
	})
	t.Run("a role that sees less", func(t *testing.T) {
		nurse := l.as("Nurse")
		own, foreign := testkit.Patient(t, l.db, &nurse.user.ID), testkit.Patient(t, l.db, nil)
		s := l.listen(nurse, "/ws/appointments/", "ready")
		l.book(desk, foreign.ID, doctor.user.ID, 10)
		require.Equal(t, "appointment.created", s.next().Type)
		role(nurse, "Patient")
		require.Equal(t, "resync", s.next().Type)
		l.book(desk, foreign.ID, doctor.user.ID, 11)
		id := l.book(desk, own.ID, doctor.user.ID, 12)
		require.EqualValues(t, id, s.next().Data["appointment"], "not the other patient's")
	})
	t.Run("a link to a record", func(t *testing.T) {
		portal := l.as("Patient")
		record, other := testkit.Patient(t, l.db, nil), testkit.Patient(t, l.db, nil)
		s := l.listen(portal, "/ws/appointments/", "ready")
		link := func(p db.CorePatient, user any) {
			t.Helper()
			a := admin.call("PATCH", fmt.Sprintf("/api/patients/%d/", p.ID), map[string]any{"user": user})
			require.Equal(t, 200, a.status, a.raw)
			require.Equal(t, "resync", s.next().Type)
		}
		link(record, portal.user.ID)
		id := l.book(desk, record.ID, doctor.user.ID, 13)
		require.EqualValues(t, id, s.next().Data["appointment"])
		link(record, nil)
		link(other, portal.user.ID)
		l.book(desk, record.ID, doctor.user.ID, 14)
		id = l.book(desk, other.ID, doctor.user.ID, 15)
		require.EqualValues(t, id, s.next().Data["appointment"], "not the former record's")
	})
}

func TestFiguresMove(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	desk := l.as("Receptionist")
	s := l.listen(l.as("Nurse"), "/ws/dashboard/", "ready")
	require.Equal(t, map[string]any{"total_patients": 0.0, "pending_bills": 0.0, "total_revenue": 0.0, "today_appointments": 0.0}, s.next().Data)

	a := desk.call("POST", "/api/patients/", jane())
	require.Equal(t, 201, a.status, a.raw)
	require.Equal(t, map[string]any{"total_patients": 1.0}, s.next().Data, "only what has changed")

	patient := int64(a.body["id"].(float64))
	testkit.Payment(t, l.db, testkit.Bill(t, l.db, patient, "40.50").ID, "10.25")
	figures := map[string]any{}
	for len(figures) < 2 {
		for name, value := range s.next().Data {
			figures[name] = value
		}
	}
	require.Equal(t, map[string]any{"pending_bills": 1.0, "total_revenue": 10.25}, figures)

	late := l.listen(l.as("Doctor"), "/ws/dashboard/?last_event_id=1", "ready")
	require.Equal(t, map[string]any{"total_patients": 1.0, "pending_bills": 1.0, "total_revenue": 10.25, "today_appointments": 0.0}, late.next().Data)
}

func TestClosingAsksEverybodyBack(t *testing.T) {
	t.Parallel()
	l := setupLive(t)
	nurse := l.as("Nurse")
	s := l.listen(nurse, "/ws/notifications/", "ready")
	l.hub.Close(context.Background())
	require.Regexp(t, `^\{"reconnect_after_ms":\d+\}$`, s.closed(1012))
	_, response, err := l.dial(nurse, "/ws/notifications/")
	require.Error(t, err)
	require.Equal(t, 503, response.StatusCode)
}
