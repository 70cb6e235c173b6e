package server_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func TestEncounterRaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("16 encounters of one appointment", func(t *testing.T) {
		t.Parallel()
		w := newWard(setupOn(t, testkit.Pool(t)))
		body, a := w.fever(), w.appointment("confirmed")
		body["appointment"] = a.ID
		counts, _ := atOnce(16, func(int) answer { return w.doctor.call("POST", "/api/encounters/", body) })
		require.Equal(t, map[int]int{201: 16}, counts)
		now := appointmentNow(t, w.db, a.ID)
		require.Equal(t, "in_progress", now.Status)
		require.Equal(t, a.Version+1, now.Version)
		require.Len(t, logged(t, w.db, "appointment", a.ID), 1)
	})

	t.Run("one idempotency key at once", func(t *testing.T) {
		t.Parallel()
		w := newWard(setupOn(t, testkit.Pool(t)))
		counts, _ := atOnce(16, func(int) answer {
			return w.doctor.call("POST", "/api/encounters/", w.fever(), "Idempotency-Key", "one")
		})
		require.Equal(t, 16, counts[201]+counts[409], counts)
		require.EqualValues(t, 1, w.doctor.call("GET", "/api/encounters/", nil).body["count"])
	})

	t.Run("encounters while their appointment is cancelled", func(t *testing.T) {
		t.Parallel()
		w := newWard(setupOn(t, testkit.Pool(t)))
		body, a := w.fever(), w.appointment("scheduled")
		body["appointment"] = a.ID
		counts, _ := atOnce(12, func(i int) answer {
			if i == 6 {
				cancel(t, w.db, a.ID)
				return answer{status: 200}
			}
			return w.doctor.call("POST", "/api/encounters/", body)
		})
		require.Equal(t, 12, counts[200]+counts[201]+counts[409], counts)
		now, versions := appointmentNow(t, w.db, a.ID), a.Version+1
		if counts[201] > 0 {
			versions++ // it began before it was cancelled
		}
		require.Equal(t, "cancelled", now.Status, "no encounter revives a cancelled appointment")
		require.Equal(t, versions, now.Version)
		require.EqualValues(t, counts[201], w.doctor.call("GET", "/api/encounters/", nil).body["count"])
	})

	t.Run("two changes with one ETag", func(t *testing.T) {
		t.Parallel()
		w := newWard(setupOn(t, testkit.Pool(t)))
		path := encounterPath(testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID).ID)
		counts, _ := atOnce(16, func(i int) answer {
			return w.doctor.call("PATCH", path, map[string]any{"notes": fmt.Sprint(i)}, "If-Match", `"1"`)
		})
		require.Equal(t, map[int]int{200: 1, 412: 15}, counts)
		// Other notes than before: a change to what is there already makes no version.
		counts, _ = atOnce(16, func(i int) answer {
			return w.doctor.call("PATCH", path, map[string]any{"notes": fmt.Sprint("again ", i)})
		})
		require.Equal(t, map[int]int{200: 16}, counts)
		require.EqualValues(t, 18, w.doctor.call("GET", path, nil).body["version"])
	})

	t.Run("encounters go to and fro between patients and doctors", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		wards := []ward{newWard(b), newWard(b)}
		encounters := []db.CoreEncounter{
			testkit.Encounter(t, b.db, wards[0].patient.ID, wards[0].doctor.user.ID),
			testkit.Encounter(t, b.db, wards[1].patient.ID, wards[1].doctor.user.ID),
		}
		booked := wards[0].appointment("scheduled")
		counts, answers := atOnce(32, func(i int) answer {
			to := wards[i/2%2]
			body := map[string]any{"patient": to.patient.ID, "doctor": to.doctor.user.ID, "appointment": nil}
			if i/2%2 == 0 {
				body["appointment"] = booked.ID
			}
			return wards[0].admin.call("PATCH", encounterPath(encounters[i%2].ID), body)
		})
		require.Equal(t, 32, counts[200]+counts[409], counts)
		require.Positive(t, counts[200])
		for _, a := range answers {
			if a.status == 409 {
				a.refused(t, 409, "changed_meanwhile")
			}
		}
		for _, e := range encounters {
			now := wards[0].admin.call("GET", encounterPath(e.ID), nil).body
			if now["appointment"] != nil {
				require.EqualValues(t, booked.PatientID, now["patient"])
				require.EqualValues(t, booked.DoctorID, now["doctor"])
			}
		}
	})

	t.Run("prescriptions while the patient changes", func(t *testing.T) {
		t.Parallel()
		w := newWard(setupOn(t, testkit.Pool(t)))
		e := testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID)
		other := testkit.Patient(t, w.db, nil)
		_, answers := atOnce(16, func(i int) answer {
			if i%2 == 0 {
				return w.doctor.call("PATCH", encounterPath(e.ID), map[string]any{"patient": other.ID})
			}
			return prescribe(t, w.db, e.ID)
		})
		now := w.doctor.call("GET", encounterPath(e.ID), nil).body["patient"]
		for i, a := range answers {
			if i%2 == 0 {
				require.Contains(t, []int{200, 409}, a.status, a.raw)
				continue
			}
			require.Equal(t, 201, a.status)
			require.Equal(t, now, a.body["patient"], "a prescription stays with the patient for whom it was written")
		}
	})

	t.Run("prescriptions while their encounter is deleted", func(t *testing.T) {
		t.Parallel()
		pool := testkit.Pool(t)
		w := newWard(setupOn(t, pool))
		e := testkit.Encounter(t, w.db, w.patient.ID, w.doctor.user.ID)
		counts, answers := atOnce(16, func(i int) answer {
			if i == 8 {
				return w.admin.call("DELETE", encounterPath(e.ID), nil)
			}
			return prescribe(t, w.db, e.ID)
		})
		require.Equal(t, 204, answers[8].status, answers[8].raw)
		var recorded int
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM core_auditlog WHERE object_type = 'prescription' AND action = 'delete'").Scan(&recorded))
		require.Equal(t, counts[201], recorded, "none vanishes without a trace")
	})
}

// cancel cancels an appointment as whoever changes appointments does: locked.
func cancel(t *testing.T, conn pg.DB, id int64) {
	require.NoError(t, pg.InTx(context.Background(), conn, func(tx pgx.Tx) error {
		a, err := db.New().AppointmentLock(context.Background(), tx, id)
		if err != nil {
			return err
		}
		_, err = db.New().AppointmentUpdate(context.Background(), tx, db.AppointmentUpdateParams{
			ID: id, Version: a.Version, PatientID: a.PatientID, DoctorID: a.DoctorID, Date: a.Date, Time: a.Time,
			DurationMinutes: a.DurationMinutes, StartsAt: a.StartsAt, EndsAt: a.EndsAt, Status: "cancelled",
			Notes: a.Notes, OverbookReason: a.OverbookReason, Now: time.Now(),
		})
		return err
	}))
}

// prescribe writes a prescription that locks no more than its foreign key does, and
// answers whose encounter it was then.
func prescribe(t *testing.T, conn pg.DB, encounterID int64) answer {
	var patient int64
	err := pg.InTx(context.Background(), conn, func(tx pgx.Tx) error {
		_, err := db.New().PrescriptionCreate(context.Background(), tx, db.PrescriptionCreateParams{
			EncounterID: encounterID, MedicationName: testkit.Unique("Medication"), Dosage: "500 mg", Frequency: "daily",
			AllergyCheck: "not_checked", Now: time.Now(),
		})
		if err != nil {
			return err
		}
		row, err := db.New().EncounterGet(context.Background(), tx, encounterID, nil)
		patient = row.CoreEncounter.PatientID
		return err
	})
	if err != nil {
		require.ErrorContains(t, pg.Translate(err), "There is no encounter")
		return answer{status: 400}
	}
	return answer{status: 201, body: map[string]any{"patient": float64(patient)}}
}
