package listing_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/listing"
	"chelal/internal/testkit"
)

// TestEncountersAtScale holds that no list of encounters reads a whole table, whatever
// it is asked.
func TestEncountersAtScale(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := testkit.Pool(t)
	for _, statement := range []string{
		`INSERT INTO core_user (username, password, role_id)
			SELECT 'doctor' || n, '!', (SELECT id FROM core_role WHERE name = 'Doctor') FROM generate_series(1, 3000) n`,
		`INSERT INTO core_patient (first_name, last_name, date_of_birth, gender)
			SELECT md5(n::text), md5((n + 1)::text), '1990-01-15', 'F' FROM generate_series(1, 20000) n`,
		`INSERT INTO core_appointment (patient_id, doctor_id, date, time, starts_at, ends_at)
			SELECT p.id, d.id, '2026-01-15', '09:00', '2026-01-15 09:00Z', '2026-01-15 09:30Z'
			FROM core_patient p JOIN core_user d ON d.username = 'doctor' || p.id`,
		`INSERT INTO core_encounter (patient_id, doctor_id, appointment_id, notes, created_at, updated_at)
			SELECT a.patient_id, a.doctor_id, a.id, 'Fever', a.starts_at + n * interval '1 hour', a.starts_at + n * interval '1 day'
			FROM core_appointment a, generate_series(1, 15) n`,
		"ANALYZE core_user", "ANALYZE core_patient", "ANALYZE core_appointment", "ANALYZE core_encounter",
	} {
		_, err := pool.Exec(ctx, statement)
		require.NoError(t, err, statement)
	}
	var patient, doctor, appointment int64
	var number string
	require.NoError(t, pool.QueryRow(ctx, `SELECT e.patient_id, e.doctor_id, e.appointment_id, p.unique_id
		FROM core_encounter e JOIN core_patient p ON p.id = e.patient_id LIMIT 1`).
		Scan(&patient, &doctor, &appointment, &number))

	day := time.Date(2026, 1, 16, 0, 0, 0, 0, time.UTC)
	requests := map[string][]listing.Condition{
		"all":               nil,
		"of a patient":      {listing.EncountersOfPatient(patient)},
		"of a doctor":       {listing.EncountersOfDoctor(doctor)},
		"of an appointment": {listing.EncountersOfAppointment(appointment)},
		"of a day":          {listing.EncountersFrom(day), listing.EncountersUntil(day.AddDate(0, 0, 1))},
		"by number":         listing.OfPatientsFound(number),
		"own":               {listing.PatientsOf(1)},
	}
	for name, where := range requests {
		for _, ordering := range []string{"-created_at", "updated_at", "-id"} {
			for _, request := range []listing.Request{
				{Ordering: ordering, Page: 1, Size: 50, Where: where}, {Ordering: ordering, Size: 50, Cursor: new(""), Where: where},
			} {
				w := &watched{DB: pool, t: t}
				page, err := listing.Encounters.Read(ctx, w, request)
				require.NoError(t, err)
				if request.Cursor != nil {
					request.Cursor = &page.Next
					_, err = listing.Encounters.Read(ctx, w, request)
					require.NoError(t, err)
				}
				require.LessOrEqual(t, w.statements, 3)
				for _, plan := range w.plans {
					if strings.Contains(plan, "WHERE true\n LIMIT 10001") {
						continue // counts the first 10,001 rows, whichever come first
					}
					require.NotContains(t, plan, "Seq Scan", "%s, %s: %s", name, ordering, plan)
				}
			}
		}
	}
}
