package patientimport

import (
	"bytes"
	"context"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// checkIntake states what must hold whatever was read.
func checkIntake(t *testing.T, in *intake) {
	t.Helper()
	require.Equal(t, in.report.BadCount == 0, len(in.report.Bad) == 0)
	for _, r := range in.rows {
		require.Empty(t, r.Check(in.today))
		require.NotEmpty(t, r.key.system)
		require.NotEmpty(t, r.key.value)
		for _, s := range []string{r.FirstName, r.LastName, r.Gender, r.ContactInfo, r.Address, r.KnownAllergies, r.key.system, r.key.value, r.fhirID} {
			require.True(t, utf8.ValidString(s))
			require.NotContains(t, s, "\x00")
		}
		require.Positive(t, r.line)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte(header + "A,B,1990-01-01,F,,,,\n"))
	f.Add([]byte("\ufefffirst name;last name;date of birth;gender\r\n\"A\r\n\";B;1990-01-01;F\r\n"))
	f.Add([]byte("first_name\tlast_name\tdate_of_birth\tgender\n\"A"))
	f.Fuzz(func(t *testing.T, file []byte) {
		in := newIntake(today)
		_ = in.read(context.Background(), bytes.NewReader(file), Options{Format: "csv"})
		checkIntake(t, in)
	})
}

func FuzzFHIR(f *testing.F) {
	f.Add([]byte(patientLine("1", "")), []byte(allergyLine("Patient/1", "Dust", "")))
	f.Add([]byte(patientLine("1", `,"identifier":[{"type":{"coding":[{"code":"MR"}]},"system":"s","value":"7"}]`)), []byte("{}"))
	f.Add([]byte(patientLine("1", `,"address":[{"line":["x"]}],"telecom":[{"system":"phone","value":"1","rank":1}]`)), []byte("[]\n\n"))
	f.Fuzz(func(t *testing.T, patients, allergies []byte) {
		in := newIntake(today)
		_ = in.read(context.Background(), bytes.NewReader(patients), Options{Format: "fhir", Allergies: bytes.NewReader(allergies)})
		checkIntake(t, in)
	})
}
