package patient_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
	"chelal/internal/patient"
)

func date(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	require.NoError(t, err)
	return d
}

func wanjiru(t *testing.T) patient.Details {
	return patient.Details{FirstName: "Wanjiru", LastName: "Otieno", DateOfBirth: date(t, "1988-02-29"), Gender: "F"}
}

// codes writes fields as "name code", so that a table can say what it expects.
func codes(fields []apperr.Field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Name+" "+f.Code)
	}
	return out
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*patient.Details)
		want   []string
	}{
		"good":                   {func(*patient.Details) {}, nil},
		"one name":               {func(d *patient.Details) { d.LastName = "" }, nil},
		"no first name":          {func(d *patient.Details) { d.FirstName = "" }, []string{"first_name required"}},
		"code points, not bytes": {func(d *patient.Details) { d.FirstName = strings.Repeat("é", 100) }, nil},
		"long first name":        {func(d *patient.Details) { d.FirstName = strings.Repeat("é", 101) }, []string{"first_name too_long"}},
		"last name at its limit": {func(d *patient.Details) { d.LastName = strings.Repeat("x", 100) }, nil},
		"long last name":         {func(d *patient.Details) { d.LastName = strings.Repeat("x", 101) }, []string{"last_name too_long"}},
		"born today":             {func(d *patient.Details) { d.DateOfBirth = date(t, "2026-03-01") }, nil},
		"born tomorrow":          {func(d *patient.Details) { d.DateOfBirth = date(t, "2026-03-02") }, []string{"date_of_birth in_the_future"}},
		"150 years":              {func(d *patient.Details) { d.DateOfBirth = date(t, "1876-03-01") }, nil},
		"150 years and a day":    {func(d *patient.Details) { d.DateOfBirth = date(t, "1876-02-29") }, []string{"date_of_birth too_long_ago"}},
		"no birth date":          {func(d *patient.Details) { d.DateOfBirth = time.Time{} }, []string{"date_of_birth required"}},
		"no gender":              {func(d *patient.Details) { d.Gender = "" }, []string{"gender required"}},
		"unknown gender":         {func(d *patient.Details) { d.Gender = "X" }, []string{"gender invalid_choice"}},
		"contact at its limit":   {func(d *patient.Details) { d.ContactInfo = strings.Repeat("1", 255) }, nil},
		"long contact":           {func(d *patient.Details) { d.ContactInfo = strings.Repeat("1", 256) }, []string{"contact_info too_long"}},
		"long address":           {func(d *patient.Details) { d.Address = strings.Repeat("a", 256) }, []string{"address too_long"}},
		"long allergies":         {func(d *patient.Details) { d.KnownAllergies = strings.Repeat("a", 10_001) }, []string{"known_allergies too_long"}},
		"everything at once": {
			func(d *patient.Details) { *d = patient.Details{Address: strings.Repeat("a", 256)} },
			[]string{"first_name required", "date_of_birth required", "gender required", "address too_long"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := wanjiru(t)
			c.change(&d)
			require.Equal(t, c.want, codes(d.Check(date(t, "2026-03-01"))))
		})
	}
}

func TestGenders(t *testing.T) {
	t.Parallel()
	for _, g := range []string{"M", "f", "O", "u", "Male", "FEMALE", "other", "Unknown", "prefer-not-to-say"} {
		d := wanjiru(t)
		d.Gender = g
		require.Empty(t, d.Check(date(t, "2026-03-01")), g)
	}
}

// The hospital's day counts, not the day in UTC: at two in the morning in
// Nairobi a child born that day is not born in the future.
func TestTodayIsTheHospitalsDay(t *testing.T) {
	t.Parallel()
	d := wanjiru(t)
	d.DateOfBirth = date(t, "2026-03-02")
	nairobi := time.FixedZone("EAT", 3*60*60)
	require.Empty(t, d.Check(time.Date(2026, 3, 2, 2, 0, 0, 0, nairobi)))
	require.NotEmpty(t, d.Check(time.Date(2026, 3, 1, 23, 0, 0, 0, nairobi)))
}
