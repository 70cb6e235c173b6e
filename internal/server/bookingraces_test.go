package server_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/testkit"
)

func TestBookingRaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("64 bookings of one slot of a doctor", func(t *testing.T) {
		t.Parallel()
		k := clinicOn(t, testkit.Pool(t))
		patients := make([]db.CorePatient, 64)
		for i := range patients {
			patients[i] = testkit.Patient(t, k.db, nil)
		}
		counts, answers := atOnce(64, func(i int) answer {
			return k.desk.call("POST", "/api/appointments/", k.at(today, "10:00", "patient", patients[i].ID))
		})
		require.Equal(t, map[int]int{201: 1, 409: 63}, counts)
		for _, a := range answers {
			if a.status == 409 {
				require.Len(t, nextFree(t, a), 3)
			}
		}
		require.Equal(t, []string{"1 1 1"}, k.column(`SELECT (SELECT count(*) FROM core_appointment) || ' ' ||
			(SELECT count(*) FROM core_notification) || ' ' || (SELECT count(*) FROM core_auditlog WHERE action <> 'view' AND object_type = 'appointment')`))
	})

	t.Run("many doctors want one patient", func(t *testing.T) {
		t.Parallel()
		k := clinicOn(t, testkit.Pool(t))
		doctors := make([]db.CoreUser, 16)
		for i := range doctors {
			doctors[i] = testkit.User(t, k.db, "Doctor")
		}
		counts, _ := atOnce(16, func(i int) answer {
			return k.desk.call("POST", "/api/appointments/", k.at(today, fmt.Sprintf("10:%02d", i), "doctor", doctors[i].ID))
		})
		require.Equal(t, map[int]int{201: 1, 409: 15}, counts)
	})

	t.Run("two appointments change places", func(t *testing.T) {
		t.Parallel()
		k := clinicOn(t, testkit.Pool(t))
		other := k.as("Doctor")
		for i := range 10 {
			day := fmt.Sprintf("2025-07-%02d", i+1)
			paths := []string{k.book(day, "10:00"), k.book(day, "11:00"),
				k.book(day, "12:00"), k.book(day, "12:00", "doctor", other.user.ID, "patient", testkit.Patient(t, k.db, nil).ID)}
			moves := []map[string]any{{"time": "11:00"}, {"time": "10:00"}, {"doctor": other.user.ID}, {"doctor": k.doctor.user.ID}}
			counts, _ := atOnce(4, func(i int) answer { return k.desk.call("PATCH", paths[i], moves[i]) })
			require.Equal(t, map[int]int{409: 4}, counts)
		}
	})

	t.Run("one frees what another takes", func(t *testing.T) {
		t.Parallel()
		k := clinicOn(t, testkit.Pool(t))
		path := k.book(today, "10:00")
		counts, _ := atOnce(16, func(i int) answer {
			if i == 0 {
				return k.desk.call("PATCH", path, map[string]any{"status": "cancelled"})
			}
			return k.desk.call("POST", "/api/appointments/", k.at(today, "10:00"))
		})
		require.Equal(t, 1, counts[200], counts)
		require.LessOrEqual(t, counts[201], 1, counts)
		require.Equal(t, 16, counts[200]+counts[201]+counts[409], counts)
	})

	t.Run("an appointment is moved, passed on, cancelled and deleted", func(t *testing.T) {
		t.Parallel()
		k := clinicOn(t, testkit.Pool(t))
		admin, other := k.as("Admin"), k.as("Doctor")
		for range 5 {
			path := k.book("2025-07-01", "10:00")
			counts, _ := atOnce(12, func(i int) answer {
				switch i % 4 {
				case 0:
					return k.desk.call("PATCH", path, map[string]any{"time": fmt.Sprintf("1%d:30", i%8)})
				case 1:
					return k.desk.call("PATCH", path, map[string]any{"doctor": []int64{k.doctor.user.ID, other.user.ID}[i%8/4]})
				case 2:
					return k.desk.call("PATCH", path, map[string]any{"status": "cancelled"})
				}
				return admin.call("DELETE", path, nil)
			})
			require.Equal(t, 12, counts[200]+counts[204]+counts[404]+counts[409], counts)
			require.Equal(t, 1, counts[204], counts)
		}
	})

	t.Run("the patient's account is deleted meanwhile", func(t *testing.T) {
		t.Parallel()
		k := clinicOn(t, testkit.Pool(t))
		admin := k.as("Admin")
		for range 10 {
			account := testkit.User(t, k.db, "Patient")
			patient := testkit.Patient(t, k.db, &account.ID)
			counts, _ := atOnce(8, func(i int) answer {
				if i == 4 {
					return admin.call("DELETE", fmt.Sprintf("/api/users/%d/", account.ID), nil)
				}
				return k.desk.call("POST", "/api/appointments/", k.at("2025-07-01", fmt.Sprintf("%02d:00", i), "patient", patient.ID, "doctor", k.as("Doctor").user.ID))
			})
			require.Equal(t, map[int]int{201: 7, 204: 1}, counts)
		}
	})

	t.Run("a booking is deleted with the patient's account", func(t *testing.T) {
		t.Parallel()
		k := clinicOn(t, testkit.Pool(t))
		admin := k.as("Admin")
		for i := range 10 {
			account := testkit.User(t, k.db, "Patient")
			path := k.book("2025-07-01", fmt.Sprintf("%02d:00", i), "patient", testkit.Patient(t, k.db, &account.ID).ID)
			counts, _ := atOnce(2, func(i int) answer {
				if i == 0 {
					return admin.call("DELETE", fmt.Sprintf("/api/users/%d/", account.ID), nil)
				}
				return admin.call("DELETE", path, nil)
			})
			require.Equal(t, map[int]int{204: 2}, counts)
		}
	})

	t.Run("one idempotency key", func(t *testing.T) {
		t.Parallel()
		k := clinicOn(t, testkit.Pool(t))
		counts, _ := atOnce(16, func(int) answer {
			return k.desk.call("POST", "/api/appointments/", k.at(today, "10:00"), "Idempotency-Key", "one")
		})
		require.Equal(t, 16, counts[201]+counts[409], counts)
		var rows int
		require.NoError(t, k.db.QueryRow(ctx, "SELECT count(*) FROM core_appointment").Scan(&rows))
		require.Equal(t, 1, rows)
	})
}
