package patientimport

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func status(field, code string) string {
	return fmt.Sprintf(`,%q:{"coding":[{"code":%q}]}`, field, code)
}

func TestAllergiesAreJoined(t *testing.T) {
	t.Parallel()
	in, err := take(t, patientLine("1", "")+patientLine("2", ""), Options{Allergies: strings.NewReader(
		allergyLine("Patient/1", "Aspirin", status("clinicalStatus", "active")+status("verificationStatus", "confirmed")) +
			allergyLine("urn:uuid:2", "Cats", "") +
			allergyLine("https://h/fhir/Patient/1/_history/3", " Latex\u00a0", `,"type":"allergy","criticality":"high"`) +
			allergyLine("Patient/1", "aspirin", "") + // named already
			allergyLine("Patient/1", "Dust", status("clinicalStatus", "inactive")) +
			allergyLine("Patient/1", "Dust", status("clinicalStatus", "resolved")) +
			allergyLine("Patient/1", "Dust", status("verificationStatus", "refuted")) +
			allergyLine("Patient/9", "Dust", status("verificationStatus", "entered-in-error")) +
			allergyLine("Patient/1", "", `,"code":{"text":" ","coding":[{"code":"1"},{"code":"2","display":"Eggs"}]}`))})
	require.NoError(t, err)
	require.Empty(t, in.report.Bad)
	require.Equal(t, "Aspirin; Latex; Eggs", in.rows[0].KnownAllergies)
	require.Equal(t, 3, in.rows[0].allergies)
	require.Equal(t, "Cats", in.rows[1].KnownAllergies)
	require.Equal(t, 4, in.report.AllergiesIgnored)
	require.Equal(t, 2, in.report.Lines)
}

func TestAllergiesBadLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, field, reason string }{
		"not JSON":       {"x\n", "", "not JSON"},
		"other resource": {patientLine("1", ""), "resourceType", "must be AllergyIntolerance"},
		"status of STU3": {allergyLine("Patient/1", "x", `,"clinicalStatus":"active"`), "clinicalStatus", "another JSON type"},
		"no substance":   {allergyLine("Patient/1", "", ""), "code", "The substance is missing"},
		"NUL":            {`{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/1"},"code":{"text":"\u0000"}}`, "code", "control character"},
		"no patient":     {allergyLine("", "x", ""), "patient", "Patient/<id>"},
		"practitioner":   {allergyLine("Practitioner/1", "x", ""), "patient", "Patient/<id>"},
		"almost":         {allergyLine("NotPatient/1", "x", ""), "patient", "Patient/<id>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := Run(context.Background(), nil, strings.NewReader(patientLine("1", "")),
				Options{Today: today, Allergies: strings.NewReader(c.text)})
			require.Error(t, err)
			require.Len(t, report.Bad, 1)
			b := report.Bad[0]
			require.Equal(t, []any{"allergies", 1, c.field}, []any{b.File, b.Line, b.Field})
			require.Contains(t, b.Reason, c.reason)
		})
	}
}

func TestMoreAllergiesThanARecordHolds(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 1000 {
		lines.WriteString(allergyLine("Patient/2", fmt.Sprintf("substance %d", i), ""))
	}
	in, err := take(t, patientLine("1", "")+patientLine("2", ""), Options{Allergies: strings.NewReader(lines.String())})
	require.NoError(t, err)
	require.Len(t, in.report.Bad, 1)
	require.Equal(t, "known_allergies", in.report.Bad[0].Field)
	require.Equal(t, 2, in.report.Bad[0].Line)
}

// A patient whose line is wrong is named once, and not again by each allergy.
func TestAllergiesOfAWrongPatient(t *testing.T) {
	t.Parallel()
	in, err := take(t, patientLine("1", `,"birthDate":"1990"`), Options{Allergies: strings.NewReader(allergyLine("Patient/1", "x", ""))})
	require.NoError(t, err)
	require.Equal(t, 1, in.report.BadCount)
	require.Empty(t, in.elsewhere)
}
