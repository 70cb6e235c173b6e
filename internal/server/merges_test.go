package server_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/pg"
	"chelal/internal/scheduling"
	"chelal/internal/testkit"
)

func (c caller) merge(survivor, duplicate int64, header ...string) answer {
	c.t.Helper()
	return c.call("POST", patientPath(survivor)+"merge/", map[string]any{"duplicate": duplicate}, header...)
}

func (c caller) unmerge(duplicate int64) answer {
	c.t.Helper()
	return c.call("POST", patientPath(duplicate)+"unmerge/", nil)
}

func patientPath(id int64) string { return fmt.Sprintf("/api/patients/%d/", id) }

// allergic makes a patient with known allergies.
func allergic(t testing.TB, conn pg.DB, allergies string) db.CorePatient {
	t.Helper()
	p := testkit.Patient(t, conn, nil)
	_, err := conn.Exec(context.Background(), "UPDATE core_patient SET known_allergies = $2 WHERE id = $1", p.ID, allergies)
	require.NoError(t, err)
	p.KnownAllergies = allergies
	return p
}

// everything makes one row of every kind that belongs to a patient. The booking is on a
// half hour of its own.
func everything(t testing.TB, conn pg.DB, patientID, doctorID int64, slot int) {
	t.Helper()
	testkit.Appointment(t, conn, patientID, doctorID, midnight.Add(time.Duration(slot)*time.Hour))
	testkit.Encounter(t, conn, patientID, doctorID)
	for _, sql := range []string{
		"INSERT INTO core_bill (patient_id) VALUES ($1)",
		"INSERT INTO core_patientidentifier (patient_id, system, value) SELECT $1, 'csv', gen_random_uuid()::text",
	} {
		_, err := conn.Exec(context.Background(), sql, patientID)
		require.NoError(t, err)
	}
}

var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// owners answers whose every row of the patients is.
func owners(t testing.TB, conn pg.DB, patients ...int64) map[string]int64 {
	t.Helper()
	rows, err := conn.Query(context.Background(), `
		SELECT 'appointment ' || id, patient_id FROM core_appointment WHERE patient_id = ANY ($1)
		UNION ALL SELECT 'encounter ' || id, patient_id FROM core_encounter WHERE patient_id = ANY ($1)
		UNION ALL SELECT 'bill ' || id, patient_id FROM core_bill WHERE patient_id = ANY ($1)
		UNION ALL SELECT 'identifier ' || id, patient_id FROM core_patientidentifier WHERE patient_id = ANY ($1)
		UNION ALL SELECT 'account ' || user_id, id FROM core_patient WHERE id = ANY ($1) AND user_id IS NOT NULL
		UNION ALL SELECT 'record ' || id, coalesce(merged_into_id, id) FROM core_patient WHERE id = ANY ($1)`, patients)
	require.NoError(t, err)
	found := map[string]int64{}
	var row string
	var owner int64
	_, err = pgx.ForEachRow(rows, []any{&row, &owner}, func() error {
		found[row] = owner
		return nil
	})
	require.NoError(t, err)
	return found
}

func TestMerges(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("a merge and its undoing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, portal, doctor := b.as("Admin"), b.as("Patient"), testkit.User(t, b.db, "Doctor")
		survivor, duplicate := allergic(t, b.db, "Penicillin"), testkit.Patient(t, b.db, &portal.user.ID)
		admin.call("PATCH", patientPath(duplicate.ID), map[string]any{"known_allergies": "penicillin, Latex"})
		everything(t, b.db, survivor.ID, doctor.ID, 1)
		everything(t, b.db, duplicate.ID, doctor.ID, 2)
		before := owners(t, b.db, survivor.ID, duplicate.ID)

		merged := admin.merge(survivor.ID, duplicate.ID, "Idempotency-Key", "merge-1", "X-Request-Id", "merge-1")
		require.Equal(t, 200, merged.status, merged.raw)
		require.Equal(t, `"2"`, merged.header.Get("ETag"))
		require.EqualValues(t, survivor.ID, merged.body["id"])
		require.EqualValues(t, portal.user.ID, merged.body["user"])
		require.Equal(t, "Penicillin; Latex", merged.body["known_allergies"])
		for row, owner := range owners(t, b.db, survivor.ID, duplicate.ID) {
			require.Equal(t, survivor.ID, owner, row)
		}
		again := admin.merge(survivor.ID, duplicate.ID, "Idempotency-Key", "merge-1")
		require.Equal(t, merged.raw, again.raw, "the same key answers the same")

		require.EqualValues(t, survivor.ID, admin.call("GET", patientPath(duplicate.ID), nil).body["merged_into"])
		require.Equal(t, 200, portal.call("GET", patientPath(survivor.ID), nil).status)
		portal.call("GET", patientPath(duplicate.ID), nil).refused(t, 404, "not_found")
		for method, body := range map[string]any{"PUT": jane(), "PATCH": map[string]any{"address": "x"}, "DELETE": nil} {
			refused := admin.call(method, patientPath(duplicate.ID), body).refused(t, 409, "patient_merged")
			require.EqualValues(t, survivor.ID, refused.body["merged_into"])
		}
		require.Equal(t, 200, admin.call("PATCH", patientPath(survivor.ID), map[string]any{"address": "y"}).status)

		undone := admin.unmerge(duplicate.ID)
		require.Equal(t, 200, undone.status, undone.raw)
		require.Nil(t, undone.body["merged_into"])
		require.EqualValues(t, portal.user.ID, undone.body["user"])
		require.Equal(t, before, owners(t, b.db, survivor.ID, duplicate.ID))
		require.Equal(t, "Penicillin", admin.call("GET", patientPath(survivor.ID), nil).body["known_allergies"])
		admin.unmerge(duplicate.ID).refused(t, 409, "not_merged")
		admin.call("DELETE", patientPath(duplicate.ID), nil).refused(t, 409, "has_records")

		rows, err := b.db.Query(ctx, `SELECT patient_id, description FROM core_auditlog
			WHERE action <> 'view' AND request_id = 'merge-1' AND action = 'edit' AND object_type = 'patient' ORDER BY patient_id`)
		require.NoError(t, err)
		logged, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
			Patient     int64
			Description string
		}])
		require.NoError(t, err)
		require.Len(t, logged, 2)
		require.Equal(t, survivor.ID, logged[0].Patient)
		require.Equal(t, duplicate.ID, logged[1].Patient)
		require.Equal(t, duplicate.UniqueID+" merged into "+survivor.UniqueID+", with appointments: 1, encounters: 1, bills: 1, "+
			"identifiers: 1, earlier duplicates: 0", logged[0].Description)
	})

	t.Run("a merged record is found by its whole number only", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		survivor := testkit.Patient(t, b.db, nil)
		made := admin.call("POST", "/api/patients/", jane())
		duplicate, number := int64(made.body["id"].(float64)), made.body["unique_id"].(string)
		require.Equal(t, 200, admin.merge(survivor.ID, duplicate).status)
		for search, want := range map[string]int{
			"": 0, number: 1, strings.ToLower(number): 1, "+" + number + "+": 1, number[:7]: 0, "Jane": 0, "Jane+" + number: 0,
		} {
			list := admin.call("GET", "/api/patients/?search="+search, nil)
			found := strings.Contains(list.raw, `"unique_id":"`+number+`"`)
			require.Equal(t, want == 1, found, "%q: %s", search, list.raw)
		}
		require.Empty(t, admin.call("POST", "/api/patients/", jane()).body["possible_duplicates"])
	})

	t.Run("refusals change nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, doctor := b.as("Admin"), testkit.User(t, b.db, "Doctor")
		one, two := allergic(t, b.db, strings.Repeat("a", 6000)), allergic(t, b.db, "Latex")
		everything(t, b.db, one.ID, doctor.ID, 1)
		everything(t, b.db, two.ID, doctor.ID, 2)
		before := owners(t, b.db, one.ID, two.ID)
		admin.merge(999999999, one.ID).refused(t, 404, "not_found")
		admin.unmerge(999999999).refused(t, 404, "not_found")
		admin.unmerge(one.ID).refused(t, 409, "not_merged")
		require.Equal(t, map[string]string{"duplicate": "does_not_exist"}, admin.merge(one.ID, 999999999).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"duplicate": "same_patient"}, admin.merge(one.ID, one.ID).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"duplicate": "wrong_type", "into": "unknown_property"}, admin.call("POST", patientPath(one.ID)+"merge/",
			map[string]any{"duplicate": "x", "into": 1}).refused(t, 400, "invalid").fields())
		for _, role := range []string{"Doctor", "Receptionist", "Patient"} {
			b.as(role).merge(one.ID, two.ID).refused(t, 403, "forbidden")
			b.as(role).unmerge(one.ID).refused(t, 403, "forbidden")
		}

		admin.call("PATCH", patientPath(two.ID), map[string]any{"known_allergies": strings.Repeat("b", 6000)})
		admin.merge(one.ID, two.ID).refused(t, 409, "allergies_too_long")
		admin.call("PATCH", patientPath(two.ID), map[string]any{"known_allergies": ""})

		overlapping := testkit.Appointment(t, b.db, two.ID, testkit.User(t, b.db, "Doctor").ID, midnight.Add(time.Hour+10*time.Minute))
		admin.merge(one.ID, two.ID).refused(t, 409, "overlapping_bookings")
		_, err := b.db.Exec(ctx, "DELETE FROM core_appointment WHERE id = $1", overlapping.ID)
		require.NoError(t, err)

		for _, p := range []db.CorePatient{one, two} {
			admin.call("PATCH", patientPath(p.ID), map[string]any{"user": testkit.User(t, b.db, "Patient").ID})
		}
		admin.merge(one.ID, two.ID).refused(t, 409, "both_have_accounts")
		for _, p := range []db.CorePatient{one, two} {
			admin.call("PATCH", patientPath(p.ID), map[string]any{"user": nil})
		}
		require.Equal(t, before, owners(t, b.db, one.ID, two.ID))

		three := testkit.Patient(t, b.db, nil)
		require.Equal(t, 200, admin.merge(one.ID, two.ID).status)
		duplicate := admin.merge(three.ID, two.ID).refused(t, 409, "patient_merged")
		require.Equal(t, map[string]string{"duplicate": "patient_merged"}, duplicate.fields())
		require.EqualValues(t, one.ID, duplicate.body["merged_into"])
		survivor := admin.merge(two.ID, three.ID).refused(t, 409, "patient_merged")
		require.Empty(t, survivor.fields())
		require.EqualValues(t, one.ID, survivor.body["merged_into"])
	})

	t.Run("allergies that somebody needs stay", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		known := func(p db.CorePatient) any { return admin.call("GET", patientPath(p.ID), nil).body["known_allergies"] }
		a, latex, alsoLatex := allergic(t, b.db, "Nuts"), allergic(t, b.db, "Latex"), allergic(t, b.db, "latex")
		admin.merge(a.ID, latex.ID)
		admin.merge(a.ID, alsoLatex.ID)
		admin.unmerge(latex.ID)
		require.Equal(t, "Nuts; latex", known(a), "of the one who is still merged")
		admin.call("PATCH", patientPath(a.ID), map[string]any{"known_allergies": "Nuts, latex, bees"})
		admin.unmerge(alsoLatex.ID)
		require.Equal(t, "Nuts, latex, bees", known(a), "somebody wrote them")
	})

	t.Run("a chain, undone in either order", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, doctor := b.as("Admin"), testkit.User(t, b.db, "Doctor")
		for first := range 2 {
			var p []db.CorePatient
			var ids []int64
			for i := range 3 {
				p = append(p, allergic(t, b.db, fmt.Sprint("Allergy ", i)))
				ids = append(ids, p[i].ID)
				everything(t, b.db, ids[i], doctor.ID, 10*first+i)
			}
			before := owners(t, b.db, ids...)
			require.Equal(t, 200, admin.merge(ids[1], ids[0]).status)
			require.Equal(t, 200, admin.merge(ids[2], ids[1]).status)
			for row, owner := range owners(t, b.db, ids...) {
				require.Equal(t, ids[2], owner, row)
			}
			for _, i := range []int{first, 1 - first} {
				require.Equal(t, 200, admin.unmerge(ids[i]).status)
			}
			require.Equal(t, before, owners(t, b.db, ids...))
			for i := range 3 {
				require.Equal(t, p[i].KnownAllergies, admin.call("GET", patientPath(ids[i]), nil).body["known_allergies"])
			}
		}
	})
}

// TestEveryForeignKeyIsMerged holds that a merge leaves no row at the duplicate, whatever
// table may refer to patients.
func TestEveryForeignKeyIsMerged(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	admin, survivor, duplicate := b.as("Admin"), testkit.Patient(t, b.db, nil), testkit.Patient(t, b.db, nil)
	everything(t, b.db, duplicate.ID, testkit.User(t, b.db, "Doctor").ID, 1)
	require.Equal(t, 200, admin.merge(duplicate.ID, testkit.Patient(t, b.db, nil).ID).status)
	rows, err := b.db.Query(ctx, `SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c
		JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
		WHERE c.confrelid = 'core_patient'::regclass AND c.contype = 'f' AND c.conparentid = 0 ORDER BY 1, 2`)
	require.NoError(t, err)
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Table, Column string }])
	require.NoError(t, err)
	keys = slices.DeleteFunc(keys, func(k struct{ Table, Column string }) bool {
		return k.Table == "core_patientmerge" // says what was merged into what, and stays true
	})

	count := func(table, column string, patient int64) (n int) {
		require.NoError(t, b.db.QueryRow(ctx, "SELECT count(*) FROM "+table+" WHERE "+column+" = $1", patient).Scan(&n))
		return n
	}
	var tables []string
	for _, k := range keys {
		tables = append(tables, k.Table)
		require.NotZero(t, count(k.Table, k.Column, duplicate.ID),
			"%s is new: make a row of it in everything(), and add it to belongings", k.Table)
	}
	require.Equal(t, 200, admin.merge(survivor.ID, duplicate.ID).status)
	for _, k := range keys {
		want := 1
		if k.Table == "core_patient" {
			want = 2 // the duplicate itself
		}
		require.Equal(t, [2]int{0, want}, [2]int{count(k.Table, k.Column, duplicate.ID), count(k.Table, k.Column, survivor.ID)},
			"%s is missing in belongings", k.Table)
	}
	moved, err := b.db.Query(ctx, `SELECT DISTINCT r.table_name::text FROM core_patientmergerow r JOIN core_patientmerge m ON m.id = r.merge_id
		WHERE m.survivor_id = $1 ORDER BY 1`, survivor.ID)
	require.NoError(t, err)
	noted, err := pgx.CollectRows(moved, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, slices.Compact(tables), noted, "under the names of their tables")
}

func TestMergeRaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("one duplicate into two survivors", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin, duplicate := b.as("Admin"), testkit.Patient(t, b.db, nil)
		survivors := []db.CorePatient{testkit.Patient(t, b.db, nil), testkit.Patient(t, b.db, nil)}
		counts, _ := atOnce(2, func(i int) answer { return admin.merge(survivors[i].ID, duplicate.ID) })
		require.Equal(t, map[int]int{200: 1, 409: 1}, counts)
	})

	t.Run("two records into each other", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin := b.as("Admin")
		p := []db.CorePatient{testkit.Patient(t, b.db, nil), testkit.Patient(t, b.db, nil)}
		counts, _ := atOnce(2, func(i int) answer { return admin.merge(p[i].ID, p[1-i].ID) })
		require.Equal(t, map[int]int{200: 1, 409: 1}, counts)
	})

	t.Run("merging and undoing among four records, while they change", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin, doctor := b.as("Admin"), testkit.User(t, b.db, "Doctor")
		var ids []int64
		for i := range 4 {
			ids = append(ids, testkit.Patient(t, b.db, nil).ID)
			everything(t, b.db, ids[i], doctor.ID, i)
		}
		counts, _ := atOnce(96, func(i int) answer {
			switch i % 3 {
			case 0:
				return admin.merge(ids[i%4], ids[i/4%4])
			case 1:
				return admin.unmerge(ids[i/3%4])
			}
			return admin.call("PATCH", patientPath(ids[i/3%4]), map[string]any{"address": fmt.Sprint(i)})
		})
		delete(counts, 400) // into itself
		require.Len(t, counts, 2, "200 and 409: %v", counts)
		var astray int
		require.NoError(t, b.db.QueryRow(ctx, `SELECT count(*) FROM core_patient p WHERE merged_into_id IS NOT NULL AND (
			EXISTS (SELECT FROM core_appointment WHERE patient_id = p.id) OR EXISTS (SELECT FROM core_bill WHERE patient_id = p.id)
			OR EXISTS (SELECT FROM core_patient WHERE merged_into_id = p.id))`).Scan(&astray))
		require.Zero(t, astray)
	})

	t.Run("bookings for the duplicate and for its doctor's time", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin, survivor, duplicate := b.as("Admin"), testkit.Patient(t, b.db, nil), testkit.Patient(t, b.db, nil)
		var doctors []int64
		for range 4 {
			doctors = append(doctors, testkit.User(t, b.db, "Doctor").ID)
		}
		testkit.Appointment(t, b.db, duplicate.ID, doctors[0], midnight)
		outcomes := make([]error, 40)
		counts, _ := atOnce(48, func(i int) answer {
			switch {
			case i < 32:
				outcomes[i] = book(b.db, duplicate.ID, doctors[i%4], midnight.Add(time.Duration(i+1)*time.Hour))
				return answer{}
			case i < 40:
				outcomes[i] = book(b.db, survivor.ID, doctors[0], midnight)
				return answer{}
			}
			for {
				merged := admin.merge(survivor.ID, duplicate.ID)
				if merged.body["code"] != "changed_meanwhile" {
					return merged
				}
			}
		})
		require.Equal(t, map[int]int{0: 40, 200: 1, 409: 7}, counts)
		made := 1
		for _, err := range outcomes[:32] {
			if err == nil {
				made++
				continue
			}
			require.ErrorIs(t, err, errMerged)
		}
		for _, err := range outcomes[32:] {
			require.ErrorIs(t, err, pg.SlotTaken)
		}
		var at [2]int
		require.NoError(t, b.db.QueryRow(ctx, `SELECT count(*) FILTER (WHERE patient_id = $1), count(*) FILTER (WHERE patient_id = $2)
			FROM core_appointment`, duplicate.ID, survivor.ID).Scan(&at[0], &at[1]))
		require.Equal(t, [2]int{0, made}, at)
	})
}

var errMerged = errors.New("the patient was merged")

// book makes an appointment as package server does: with the doctor and the patient locked.
func book(conn pg.DB, patientID, doctorID int64, start time.Time) error {
	ctx, q := context.Background(), db.New()
	return pg.Translate(pg.InTx(ctx, conn, func(tx pgx.Tx) error {
		if _, err := q.DoctorsLock(ctx, tx, []int64{doctorID}, []int64{patientID}); err != nil {
			return err
		}
		patients, err := q.PatientsLock(ctx, tx, []int64{patientID})
		if err != nil {
			return err
		}
		if patients[0].MergedIntoID != nil {
			return errMerged
		}
		date, at := scheduling.Wall(start, time.UTC)
		_, err = q.AppointmentCreate(ctx, tx, db.AppointmentCreateParams{
			PatientID: patientID, DoctorID: doctorID, Date: date, Time: at, DurationMinutes: 30, StartsAt: start,
			EndsAt: start.Add(30 * time.Minute), Status: string(scheduling.Scheduled), Now: start,
		})
		return err
	}))
}
