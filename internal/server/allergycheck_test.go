package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// knowingly is what a doctor writes who knows of the allergy.
const knowingly = "Rash in childhood only; no alternative"

func TestAllergyCheck(t *testing.T) {
	t.Parallel()

	t.Run("what is found", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "", 0)
		for _, c := range []struct{ allergies, medication, check, note string }{
			{"NKDA", "Amoxicillin", "clear", ""},
			{"No known allergies", "Something new", "clear", ""},
			{"Aspirin", "Paracetamol", "clear", ""},
			{"", "Paracetamol", "not_checked", "The patient's known allergies are not recorded."},
			{"Xyzzin", "Paracetamol", "not_checked", `Not understood: "Xyzzin".`},
			{"Xyzzin, Aspirin", "Paracetamol", "not_checked", `Not understood: "Xyzzin".`},
			{"Aspirin", "Something new", "not_checked", "The medication is not in the table."},
			{"Xyzzin", "Something new", "not_checked", `Not understood: "Xyzzin". The medication is not in the table.`},
		} {
			v.allergicTo(c.allergies)
			_, made := v.prescribe("medication_name", c.medication, "override_reason", "kept as it is sent")
			require.Equal(t, []any{c.check, c.note, "kept as it is sent"},
				[]any{made.body["allergy_check"], made.body["allergy_note"], made.body["override_reason"]}, "%+v", c)
		}
	})

	t.Run("a conflict is refused, and nothing written", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "", 0)
		for _, allergies := range []string{"Penicillin", "penicilin (rash)", "Xyzzin, PENICILLIN", "Allergic to amoxicilline"} {
			v.allergicTo(allergies)
			byName := v.order("medication_name", "Amoxil 500")
			byMedication := v.order("medication_name", "The white one", "medication", v.amoxil.ID)
			for _, body := range []map[string]any{byName, byMedication} {
				refused := v.doctor.call("POST", "/api/prescriptions/", body).refused(t, 409, "allergy_conflict")
				finding := refused.body["findings"].([]any)[0].(map[string]any)
				require.NotEmpty(t, finding["reason"], refused.raw)
				require.Contains(t, allergies, finding["allergy"])
			}
			byName["override_reason"] = "  "
			v.doctor.call("POST", "/api/prescriptions/", byName).refused(t, 409, "allergy_conflict")
		}
		require.EqualValues(t, 0, v.doctor.call("GET", "/api/prescriptions/", nil).body["count"])
	})

	t.Run("an override is kept and audited", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "Penicillin, Xyzzin", 0)
		path, made := v.prescribe("medication_name", "Amoxil 500", "override_reason", knowingly)
		require.Equal(t, []any{"conflict_overridden", knowingly}, []any{made.body["allergy_check"], made.body["override_reason"]})
		require.Contains(t, made.body["allergy_note"], "Penicillin: ")
		require.Contains(t, made.body["allergy_note"], `Not understood: "Xyzzin".`)
		log := audited(t, v.bundle, "prescription", path)
		require.Equal(t, "prescription: create; an allergy conflict was overridden", log[0][1])
		require.Contains(t, log[0][2], knowingly)
		require.Contains(t, log[0][2], `"allergy_table": "2026-11"`)
	})

	t.Run("an override holds for what it was given for", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "Penicillin, Aspirin", 0)
		path, _ := v.prescribe("medication_name", "Amoxil 500", "override_reason", knowingly)
		patch := func(body map[string]any) answer { return v.doctor.call("PATCH", path, body) }
		kept := patch(map[string]any{"dosage": "250 mg"})
		require.Equal(t, []any{"conflict_overridden", knowingly}, []any{kept.body["allergy_check"], kept.body["override_reason"]}, kept.raw)
		patch(map[string]any{"override_reason": ""}).refused(t, 409, "allergy_conflict")
		patch(map[string]any{"medication_name": "Aspirin"}).refused(t, 409, "allergy_conflict")
		v.doctor.call("PUT", path, v.order("medication_name", "Amoxil 500")).refused(t, 409, "allergy_conflict")
		again := testkit.Encounter(t, v.db, v.patient.ID, v.doctor.user.ID)
		patch(map[string]any{"encounter": again.ID}).refused(t, 409, "allergy_conflict")
		require.EqualValues(t, 2, v.doctor.call("GET", path, nil).body["version"])

		aspirin := patch(map[string]any{"medication_name": "Aspirin", "override_reason": "Low dose"})
		require.Equal(t, []any{"conflict_overridden", "Low dose"}, []any{aspirin.body["allergy_check"], aspirin.body["override_reason"]}, aspirin.raw)
		harmless := patch(map[string]any{"medication_name": "Paracetamol"})
		require.Equal(t, []any{"clear", "", "Low dose"},
			[]any{harmless.body["allergy_check"], harmless.body["allergy_note"], harmless.body["override_reason"]}, harmless.raw)
		patch(map[string]any{"medication_name": "Aspirin"}).refused(t, 409, "allergy_conflict")
	})

	t.Run("a change is checked like a new prescription", func(t *testing.T) {
		t.Parallel()
		v := newVisit(t, testkit.Tx(t), "Penicillin", 0)
		path, _ := v.prescribe("override_reason", "just in case")
		for _, body := range []map[string]any{{"medication_name": "Amoxicillin"}, {"medication": v.amoxil.ID}} {
			v.doctor.call("PATCH", path, body).refused(t, 409, "allergy_conflict")
		}
		require.Equal(t, "Paracetamol", v.doctor.call("GET", path, nil).body["medication_name"])
		v.allergicTo("Penicillin, Paracetamol")
		v.doctor.call("PATCH", path, map[string]any{"duration": "7 days"}).refused(t, 409, "allergy_conflict")
		v.allergicTo("Xyzzin")
		require.Equal(t, "not_checked", v.doctor.call("PATCH", path, map[string]any{"duration": "7 days"}).body["allergy_check"])
	})
}
