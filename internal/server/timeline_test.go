package server_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// history makes n entries of a patient's timeline, of every type in turn, of which five
// share a moment, and returns them as "type id", the latest first.
func history(t testing.TB, conn pg.DB, patientID, doctorID int64, n int) []string {
	t.Helper()
	ctx := context.Background()
	var encounter, bill int64
	inserts := []struct{ kind, sql string }{
		{"appointment", `INSERT INTO core_appointment (patient_id, doctor_id, date, time, starts_at, ends_at, status, notes)
			VALUES ($1, $2, '2026-03-02', '10:00', $3, $3::timestamptz + interval '1 minute', 'completed', 'Check-up') RETURNING id`},
		{"bill", `INSERT INTO core_bill (patient_id, date_issued, total_amount, notes)
			SELECT $1, $3, 12.5, 'Consultation' WHERE $2::bigint > 0 RETURNING id`},
		{"encounter", `INSERT INTO core_encounter (patient_id, doctor_id, notes, diagnosis, created_at)
			VALUES ($1, $2, 'Fever', '', $3) RETURNING id`},
		{"payment", `INSERT INTO core_payment (bill_id, amount, method, payment_date)
			SELECT $1, 7, 'Cash', $3 WHERE $2::bigint > 0 RETURNING id`},
		{"prescription", `INSERT INTO core_prescription (encounter_id, medication_name, dosage, frequency, created_at)
			SELECT $1, 'Amoxicillin', '500 mg', 'daily', $3 WHERE $2::bigint > 0 RETURNING id`},
	}
	made := make([]string, n)
	for i := range n {
		insert, of := inserts[i%5], patientID
		switch insert.kind {
		case "payment":
			of = bill
		case "prescription":
			of = encounter
		}
		var id int64
		require.NoError(t, conn.QueryRow(ctx, insert.sql, of, doctorID, midnight.Add(time.Duration(i/5)*time.Hour)).Scan(&id))
		switch insert.kind {
		case "bill":
			bill = id
		case "encounter":
			encounter = id
		}
		made[n-1-i] = fmt.Sprint(insert.kind, " ", id)
	}
	return made
}

// walk follows next to the end and returns the entries as "type id".
func (c caller) walk(path string) []string {
	c.t.Helper()
	var found []string
	for next := any(base + path); next != nil; {
		page := c.call("GET", strings.TrimPrefix(next.(string), base), nil)
		require.Equal(c.t, 200, page.status, page.raw)
		require.Nil(c.t, page.body["count"])
		require.Nil(c.t, page.body["previous"])
		for _, item := range page.body["results"].([]any) {
			entry := item.(map[string]any)
			found = append(found, fmt.Sprint(entry["type"], " ", entry["id"]))
		}
		next = page.body["next"]
	}
	return found
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner, nurse, doctor := b.as("Patient"), b.as("Nurse"), testkit.User(t, b.db, "Doctor")
	p := testkit.Patient(t, b.db, &owner.user.ID)
	made := history(t, b.db, p.ID, doctor.ID, 300)
	history(t, b.db, testkit.Patient(t, b.db, nil).ID, doctor.ID, 10)
	path := patientPath(p.ID) + "timeline/"

	t.Run("each entry once, the latest first", func(t *testing.T) {
		require.Len(t, nurse.call("GET", path, nil).body["results"], 20)
		require.Len(t, nurse.call("GET", path+"?page_size=1000", nil).body["results"], 200)
		for _, size := range []int{7, 50, 200} {
			require.Equal(t, made, nurse.walk(fmt.Sprint(path, "?page_size=", size)))
		}
	})

	t.Run("what an entry says", func(t *testing.T) {
		page := nurse.call("GET", path+"?page_size=5", nil)
		require.Equal(t, base+path+"?cursor=", strings.SplitAfter(page.body["next"].(string), "cursor=")[0])
		at, name := "2026-03-04T11:00:00Z", doctor.FirstName+" "+doctor.LastName
		for i, want := range []map[string]any{
			{"type": "prescription", "title": "Amoxicillin 500 mg", "status": "prescribed", "doctor": float64(doctor.ID), "doctor_name": name, "amount": nil},
			{"type": "payment", "title": "Cash", "status": "", "doctor": nil, "doctor_name": "", "amount": "7.00"},
			{"type": "encounter", "title": "Fever", "status": "", "doctor": float64(doctor.ID), "doctor_name": name, "amount": nil},
			{"type": "bill", "title": "Consultation", "status": "unpaid", "doctor": nil, "doctor_name": "", "amount": "12.50"},
			{"type": "appointment", "title": "Check-up", "status": "completed", "doctor": float64(doctor.ID), "doctor_name": name, "amount": nil},
		} {
			entry := page.body["results"].([]any)[i].(map[string]any)
			want["id"], want["at"] = entry["id"], at
			require.Equal(t, want, entry)
		}
	})

	t.Run("one type", func(t *testing.T) {
		for _, kind := range []string{"appointment", "encounter", "prescription", "bill", "payment"} {
			var want []string
			for _, entry := range made {
				if strings.HasPrefix(entry, kind) {
					want = append(want, entry)
				}
			}
			require.Equal(t, want, nurse.walk(path+"?page_size=25&type="+kind))
		}
	})

	t.Run("bad input", func(t *testing.T) {
		require.Equal(t, map[string]string{"type": "invalid_choice", "page_size": "too_small", "page": "unknown_parameter"},
			nurse.call("GET", path+"?type=visit&page_size=0&page=1", nil).refused(t, 400, "invalid").fields())
		list := nurse.call("GET", "/api/patients/?cursor=&page_size=1&ordering=created_at", nil).body["next"].(string)
		foreign, err := url.Parse(list)
		require.NoError(t, err)
		for _, cursor := range []string{"x", "e30", foreign.Query().Get("cursor"),
			"eyJvIjoidGltZWxpbmUiLCJrIjpbIngiLCIiLCIwIl19"} { // {"o":"timeline","k":["x","","0"]}
			fresh := setup(t) // a value that PostgreSQL refuses ends the transaction
			other := patientPath(testkit.Patient(t, fresh.db, nil).ID) + "timeline/?cursor=" + cursor
			require.Equal(t, map[string]string{"cursor": "invalid_cursor"},
				fresh.as("Nurse").call("GET", other, nil).refused(t, 400, "invalid").fields(), cursor)
		}
	})

	t.Run("whose", func(t *testing.T) {
		require.Equal(t, made, owner.walk(path+"?page_size=200"))
		b.as("Patient").call("GET", path, nil).refused(t, 404, "not_found")
		b.as("").call("GET", path, nil).refused(t, 403, "forbidden")
		nurse.call("GET", patientPath(999999999)+"timeline/", nil).refused(t, 404, "not_found")
		require.Empty(t, nurse.walk(patientPath(testkit.Patient(t, b.db, nil).ID)+"timeline/"))
	})

	t.Run("a merged record shows the survivor's", func(t *testing.T) {
		survivor := testkit.Patient(t, b.db, nil)
		require.Equal(t, 200, b.as("Admin").merge(survivor.ID, p.ID).status)
		require.Equal(t, made, nurse.walk(path+"?page_size=200"))
		require.Equal(t, made, nurse.walk(patientPath(survivor.ID)+"timeline/?page_size=200"))
	})
}
