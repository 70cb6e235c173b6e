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

// TestPrescriptionsAtScale holds that no list of prescriptions reads a whole table: one
// in a thousand is not yet dispensed, and those are what the pharmacy asks for.
func TestPrescriptionsAtScale(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := testkit.Pool(t)
	for _, statement := range []string{
		`INSERT INTO core_user (username, password, role_id)
			SELECT 'doctor' || n, '!', (SELECT id FROM core_role WHERE name = 'Doctor') FROM generate_series(1, 1000) n`,
		`INSERT INTO core_patient (first_name, last_name, date_of_birth, gender)
			SELECT left(md5(n::text), 6), '', '1990-01-15', 'F' FROM generate_series(1, 10000) n`,
		`INSERT INTO core_encounter (patient_id, doctor_id, notes)
			SELECT p.id, d.id, 'Fever' FROM core_patient p JOIN core_user d ON d.username = 'doctor' || (p.id % 1000 + 1), generate_series(1, 2)`,
		`INSERT INTO core_medication (name) SELECT left(md5(n::text), 8) FROM generate_series(1, 1000) n`,
		`INSERT INTO core_prescription (encounter_id, medication_id, medication_name, dosage, frequency, quantity,
				created_at, updated_at, dispensed_at, dispensed_by_id)
			SELECT e.id, m.id, m.name, '1', 'daily', 1, '2026-01-15'::date + e.id * interval '1 hour', '2026-01-16',
				CASE WHEN (2 * e.id + n) % 1000 > 0 THEN '2026-01-16'::timestamptz END, CASE WHEN (2 * e.id + n) % 1000 > 0 THEN e.doctor_id END
			FROM core_encounter e, generate_series(1, 2) n, core_medication m WHERE m.id = 1 + (7 * e.id + n) % 1000`,
		"ANALYZE core_user", "ANALYZE core_patient", "ANALYZE core_encounter", "ANALYZE core_medication", "ANALYZE core_prescription",
	} {
		_, err := pool.Exec(ctx, statement)
		require.NoError(t, err, statement)
	}
	day := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	var patient, doctor, encounter, medication int64
	var name string
	require.NoError(t, pool.QueryRow(ctx, `SELECT e.patient_id, e.doctor_id, e.id, r.medication_id, r.medication_name
		FROM core_prescription r JOIN core_encounter e ON e.id = r.encounter_id LIMIT 1`).
		Scan(&patient, &doctor, &encounter, &medication, &name))

	for asked, where := range map[string][]listing.Condition{
		"all":             nil,
		"of a patient":    {listing.PrescriptionsOfPatient(patient)},
		"of a doctor":     {listing.PrescriptionsOfDoctor(doctor)},
		"of an encounter": {listing.PrescriptionsOfEncounter(encounter)},
		"of a medication": {listing.PrescriptionsOfMedication(medication)},
		"to be dispensed": {listing.PrescriptionsDispensed(false)},
		"by name":         listing.PrescriptionsFound(name),
		"own":             {listing.PrescriptionsOf(1)},
		"of a day":        {listing.PrescriptionsFrom(day), listing.PrescriptionsUntil(day.AddDate(0, 0, 1))},
	} {
		for _, ordering := range []string{"-created_at", "updated_at", "-id"} {
			for _, request := range []listing.Request{
				{Ordering: ordering, Page: 1, Size: 50, Where: where}, {Ordering: ordering, Size: 50, Cursor: new(""), Where: where},
			} {
				w := &watched{DB: pool, t: t}
				_, err := listing.Prescriptions.Read(ctx, w, request)
				require.NoError(t, err)
				require.LessOrEqual(t, w.statements, 3)
				for _, plan := range w.plans {
					if strings.Contains(plan, "WHERE true\n LIMIT 10001") {
						continue // counts the first 10,001 rows, whichever come first
					}
					require.NotContains(t, plan, "Seq Scan", "%s, %s: %s", asked, ordering, plan)
				}
			}
		}
	}
}
