package server_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// stockAndLedger are the stock of a medication, the sum of its ledger, and how many of
// the movements are dispensings.
func stockAndLedger(t require.TestingT, conn pg.DB, medicationID int64) (stock, ledger, dispensings int) {
	require.NoError(t, conn.QueryRow(context.Background(), `SELECT m.current_stock, coalesce(sum(s.quantity), 0),
			count(s.id) FILTER (WHERE s.kind = 'dispense')
		FROM core_medication m LEFT JOIN core_stockmovement s ON s.medication_id = m.id WHERE m.id = $1 GROUP BY m.id`,
		medicationID).Scan(&stock, &ledger, &dispensings))
	return stock, ledger, dispensings
}

func (v visit) requireStock(want int) {
	v.t.Helper()
	stock, ledger, _ := stockAndLedger(v.t, v.db, v.amoxil.ID)
	require.Equal(v.t, [2]int{want, want}, [2]int{stock, ledger})
}

func TestDispensing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("takes the stock and says so", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 100)
		path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 21)
		done := v.pharmacist.call("POST", path+"dispense/", nil)
		require.Equal(t, 200, done.status, done.raw)
		require.Equal(t, `"2"`, done.header.Get("ETag"))
		require.EqualValues(t, v.pharmacist.user.ID, done.body["dispensed_by"])
		require.NotNil(t, done.body["dispensed_at"])
		require.Equal(t, done.raw, v.doctor.call("GET", path, nil).raw)
		v.requireStock(79)

		log := audited(t, v.bundle, "prescription", path)
		require.Equal(t, [2]string{"edit", "prescription: edit"}, [2]string(log[1][:2]))
		require.Contains(t, log[1][2], `"dispensed_by_id"`)
		var quantity, after int
		var kind, why string
		require.NoError(t, v.db.QueryRow(ctx, `SELECT quantity, stock_after, kind, reason FROM core_stockmovement
			WHERE prescription_id = $1 AND user_id = $2`, done.body["id"], v.pharmacist.user.ID).Scan(&quantity, &after, &kind, &why))
		require.Equal(t, []any{-21, 79, "dispense", fmt.Sprint("Prescription ", done.body["id"])}, []any{quantity, after, kind, why})
		var moves int
		require.NoError(t, v.db.QueryRow(ctx, `SELECT count(*) FROM core_auditlog WHERE object_type = 'stockmovement' AND user_id = $1`,
			v.pharmacist.user.ID).Scan(&moves))
		require.Equal(t, 1, moves)
	})

	t.Run("what has been dispensed stays", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 100)
		path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 21)
		require.Equal(t, 200, v.pharmacist.call("POST", path+"dispense/", "{}").status)
		for _, a := range []answer{
			v.pharmacist.call("POST", path+"dispense/", nil), v.admin.call("POST", path+"dispense/", nil),
			v.doctor.call("PATCH", path, map[string]any{"dosage": "1 g"}), v.doctor.call("PUT", path, v.order()),
			v.admin.call("DELETE", path, nil),
		} {
			a.refused(t, 409, "already_dispensed")
		}
		require.EqualValues(t, 2, v.doctor.call("GET", path, nil).body["version"])
		v.requireStock(79)
	})

	t.Run("the body may be left out", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 100)
		const asJSON = "application/json"
		for _, request := range []struct {
			body, contentType string
			status            int
		}{
			{"", "", 200}, {"", asJSON, 200}, {" \n", asJSON, 200}, {"{}", asJSON, 200}, {"", "text/plain", 200},
			{"null", asJSON, 400}, {"[]", asJSON, 400}, {"{}", "text/plain", 415},
		} {
			path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 1)
			a := v.pharmacist.call("POST", path+"dispense/", request.body, "Content-Type", request.contentType)
			require.Equal(t, request.status, a.status, "%+v: %s", request, a.raw)
		}
		v.requireStock(95)
		path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 1)
		none := v.pharmacist.call("POST", path+"dispense/", nil, "Idempotency-Key", "k")
		empty := v.pharmacist.call("POST", path+"dispense/", "{}", "Idempotency-Key", "k")
		require.Equal(t, [2]any{200, none.raw}, [2]any{empty.status, empty.raw}, "no body and an empty one are the same request")
	})

	t.Run("who, and what", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 100)
		path, _ := v.prescribe()
		v.nobody().call("POST", path+"dispense/", nil).refused(t, 401, "not_authenticated")
		v.doctor.call("POST", path+"dispense/", nil).refused(t, 403, "forbidden")
		v.pharmacist.call("POST", "/api/prescriptions/999999999/dispense/", nil).refused(t, 404, "not_found")
		refused := func(body any) map[string]string {
			return v.pharmacist.call("POST", path+"dispense/", body).refused(t, 400, "invalid").fields()
		}
		require.Equal(t, map[string]string{"medication": "required", "quantity": "required"}, refused(nil))
		require.Equal(t, map[string]string{"quantity": "required"}, refused(map[string]any{"medication": v.amoxil.ID}))
		require.Equal(t, map[string]string{"medication": "does_not_exist"}, refused(map[string]any{"medication": 999999999, "quantity": 1}))
		require.Equal(t, map[string]string{"medication": "null", "quantity": "too_small", "colour": "unknown_property"},
			refused(map[string]any{"medication": nil, "quantity": -1, "colour": "red"}))
		done := v.admin.call("POST", path+"dispense/", map[string]any{"medication": v.amoxil.ID, "quantity": 4})
		require.Equal(t, 200, done.status, done.raw)
		require.Equal(t, []any{float64(v.amoxil.ID), 4.0, "Paracetamol"},
			[]any{done.body["medication"], done.body["quantity"], done.body["medication_name"]})
		v.requireStock(96)

		path, _ = v.prescribe("medication", v.amoxil.ID, "quantity", 21)
		require.Equal(t, map[string]string{"medication": "differs_from_prescription", "quantity": "differs_from_prescription"},
			refused(map[string]any{"medication": testkit.Medication(t, v.db, 50).ID, "quantity": 20}))
		require.Equal(t, 200, v.pharmacist.call("POST", path+"dispense/", map[string]any{"medication": v.amoxil.ID, "quantity": 21}).status)
		v.requireStock(75)
	})

	t.Run("not more than there is", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 20)
		path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 21)
		refused := v.pharmacist.call("POST", path+"dispense/", nil).refused(t, 409, "insufficient_stock")
		require.EqualValues(t, 20, refused.body["available"])
		v.requireStock(20)
		require.Nil(t, v.doctor.call("GET", path, nil).body["dispensed_at"])
	})

	t.Run("the pharmacy is told when little is left", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 20) // the reorder level is 10
		told := func() (n int) {
			require.NoError(t, v.db.QueryRow(ctx, "SELECT count(*) FROM core_notification WHERE type = 'low_stock' AND user_id = $1",
				v.pharmacist.user.ID).Scan(&n))
			return n
		}
		for i, want := range []int{0, 1, 1} {
			path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 5)
			require.Equal(t, 200, v.pharmacist.call("POST", path+"dispense/", nil).status)
			require.Equal(t, want, told(), i)
		}
	})

	t.Run("the allergies are checked as they are now", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 100)
		path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 1, "override_reason", "just in case")
		v.allergicTo("Penicillin")
		refused := v.pharmacist.call("POST", path+"dispense/", nil).refused(t, 409, "allergy_conflict")
		require.Len(t, refused.body["findings"], 1)
		v.requireStock(100)
		done := v.pharmacist.call("POST", path+"dispense/", map[string]any{"override_reason": "The doctor was asked"})
		require.Equal(t, []any{"conflict_overridden", "just in case\nThe doctor was asked"},
			[]any{done.body["allergy_check"], done.body["override_reason"]}, done.raw)
		log := audited(t, v.bundle, "prescription", path)
		require.Equal(t, "prescription: edit; an allergy conflict was overridden", log[1][1])
		v.requireStock(99)

		v.allergicTo("")
		path, _ = v.prescribe("medication_name", "Something new")
		done = v.pharmacist.call("POST", path+"dispense/", map[string]any{"medication": v.amoxil.ID, "quantity": 1})
		require.Equal(t, "not_checked", done.body["allergy_check"], done.raw)
	})

	t.Run("what the doctor decided holds", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "Penicillin", 100)
		decided := []any{"medication", v.amoxil.ID, "medication_name", "Amoxil 500", "quantity", 1, "override_reason", knowingly}
		first, _ := v.prescribe(decided...)
		second, _ := v.prescribe(decided...)
		done := v.pharmacist.call("POST", first+"dispense/", nil)
		require.Equal(t, []any{"conflict_overridden", knowingly}, []any{done.body["allergy_check"], done.body["override_reason"]}, done.raw)
		v.allergicTo("Penicillin, Amoxicillin (anaphylaxis)")
		v.pharmacist.call("POST", second+"dispense/", nil).refused(t, 409, "allergy_conflict")
		v.requireStock(99)
	})

	t.Run("with a key once, for this prescription", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "NKDA", 100)
		path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 21)
		other, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 21)
		first := v.pharmacist.call("POST", path+"dispense/", nil, "Idempotency-Key", "k")
		require.Equal(t, 200, first.status, first.raw)
		again := v.pharmacist.call("POST", path+"dispense/", nil, "Idempotency-Key", "k")
		require.Equal(t, [2]any{200, first.raw}, [2]any{again.status, again.raw})
		require.Equal(t, first.header.Get("ETag"), again.header.Get("ETag"))
		v.pharmacist.call("POST", other+"dispense/", nil, "Idempotency-Key", "k").refused(t, 422, "idempotency_key_reused")
		v.requireStock(79)
	})
}

func TestDispensingRaces(t *testing.T) {
	t.Parallel()

	t.Run("one prescription, 32 times at once", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Pool(t), "NKDA", 1000)
		path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 2)
		counts, _ := atOnce(32, func(int) answer { return v.pharmacist.call("POST", path+"dispense/", nil) })
		require.Equal(t, map[int]int{200: 1, 409: 31}, counts)
		v.requireStock(998)
	})

	t.Run("two prescriptions for the last of the stock", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Pool(t), "NKDA", 21)
		var paths [2]string
		for i := range paths {
			paths[i], _ = v.prescribe("medication", v.amoxil.ID, "quantity", 21)
		}
		counts, answers := atOnce(2, func(i int) answer { return v.pharmacist.call("POST", paths[i]+"dispense/", nil) })
		require.Equal(t, map[int]int{200: 1, 409: 1}, counts)
		for _, a := range answers {
			if a.status == 409 {
				a.refused(t, 409, "insufficient_stock")
				require.EqualValues(t, 0, a.body["available"])
			}
		}
		v.requireStock(0)
	})

	t.Run("dispensed, changed and deleted at once", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Pool(t), "NKDA", 1000)
		const rounds = 8
		taken := 0
		for range rounds {
			path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", 1)
			other := testkit.Encounter(t, v.db, v.patient.ID, v.doctor.user.ID)
			_, answers := atOnce(4, func(i int) answer {
				switch i {
				case 0:
					return v.pharmacist.call("POST", path+"dispense/", nil)
				case 1:
					return v.doctor.call("PATCH", path, map[string]any{"encounter": other.ID})
				case 2:
					return v.doctor.call("PATCH", path, map[string]any{"quantity": 2})
				}
				return v.admin.call("DELETE", path, nil)
			})
			for i, a := range answers {
				require.Contains(t, []int{200, 204, 404, 409, 412}, a.status, "%d: %s", i, a.raw)
			}
			require.NotEqual(t, answers[0].status == 200, answers[3].status == 204, "dispensed or deleted")
			if answers[0].status == 200 {
				taken += int(answers[0].body["quantity"].(float64))
			}
		}
		v.requireStock(1000 - taken)
	})
}

// TestStockIsItsLedger lets several people prescribe, dispense and adjust at once, in
// whatever order rapid thinks of: the stock is the sum of its ledger and never below zero,
// and a prescription takes from it once at most.
func TestStockIsItsLedger(t *testing.T) {
	t.Parallel()
	v := newVisit(t, testkit.Pool(t), "NKDA", 30)
	stockPath := fmt.Sprintf("/api/medications/%d/stock/", v.amoxil.ID)
	dispensed := 0
	rapid.Check(t, func(r *rapid.T) {
		var paths []string
		for range rapid.IntRange(1, 3).Draw(r, "prescriptions") {
			path, _ := v.prescribe("medication", v.amoxil.ID, "quantity", rapid.IntRange(1, 20).Draw(r, "quantity"))
			paths = append(paths, path)
		}
		target := rapid.IntRange(0, len(paths)+1)
		targets := rapid.SliceOfN(target, 1, 8).Draw(r, "a prescription to dispense, another to write, or the stock to adjust")
		change := rapid.SampledFrom([]int{-15, -4, 3, 16}).Draw(r, "adjustment")
		_, answers := atOnce(len(targets), func(i int) answer {
			switch n := targets[i]; {
			case n < len(paths):
				return v.pharmacist.call("POST", paths[n]+"dispense/", nil)
			case n == len(paths):
				return v.doctor.call("POST", "/api/prescriptions/", v.order("medication", v.amoxil.ID, "quantity", 1))
			}
			return v.pharmacist.call("POST", stockPath, map[string]any{"quantity": change, "reason": "Counted"})
		})
		for i, a := range answers {
			require.Contains(r, []int{200, 201, 409}, a.status, a.raw)
			if targets[i] < len(paths) && a.status == 200 {
				dispensed++
			}
		}
		stock, ledger, dispensings := stockAndLedger(r, v.db, v.amoxil.ID)
		require.Equal(r, stock, ledger)
		require.GreaterOrEqual(r, stock, 0)
		require.Equal(r, dispensed, dispensings)
	})
}
