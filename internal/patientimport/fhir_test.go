package patientimport

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
)

// patientLine is a good patient; more is JSON to add, such as `,"gender":"male"`,
// in place of what a good one has there.
func patientLine(id, more string) string {
	line := `{"resourceType":"Patient"`
	for _, member := range []string{
		fmt.Sprintf(`"id":%q`, id), `"name":[{"family":"Otieno","given":["Ann","W"]}]`, `"gender":"female"`, `"birthDate":"1990-01-01"`,
	} {
		if key, _, _ := strings.Cut(member, ":"); !strings.Contains(more, key+":") {
			line += "," + member
		}
	}
	return line + more + "}\n"
}

func allergyLine(patient, name, more string) string {
	return fmt.Sprintf(`{"resourceType":"AllergyIntolerance","patient":{"reference":%q},"code":{"text":%q}%s}`+"\n", patient, name, more)
}

func TestFHIRChoices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ more, first, last, contact, address, gender string }{
		"plain":          {``, "Ann W", "Otieno", "", "", "female"},
		"official":       {`,"name":[{"use":"maiden","family":"M"},{"use":"usual","family":"U"},{"use":"official","family":"O","given":["A"],"prefix":["Dr"]}]`, "A", "O", "", "", "female"},
		"usual":          {`,"name":[{"use":"maiden","family":"M"},{"use":"usual","family":"U","given":["A"]}]`, "A", "U", "", "", "female"},
		"first":          {`,"name":[{"use":"maiden","family":"M","given":["A"]},{"use":"old","family":"O"}]`, "A", "M", "", "", "female"},
		"empty official": {`,"name":[{"use":"official"},{"family":"M","given":["A",null," "]}]`, "A", "M", "", "", "female"},
		"family only":    {`,"name":[{"family":"Suharto"}]`, "Suharto", "", "", "", "female"},
		"text only":      {`,"name":[{"text":"Ann of Kisumu"}]`, "Ann of Kisumu", "", "", "", "female"},
		"gender null":    {`,"gender":null`, "Ann W", "Otieno", "", "", "unknown"},
		"gender empty":   {`,"gender":""`, "Ann W", "Otieno", "", "", "unknown"},
		"by rank":        {`,"telecom":[{"system":"phone","value":"1","use":"mobile"},{"system":"phone","value":"2","rank":2},{"system":"phone","value":"3","rank":1}]`, "Ann W", "Otieno", "3", "", "female"},
		"by use":         {`,"telecom":[{"system":"phone","value":"1","use":"work"},{"system":"phone","value":"2","use":"home"},{"system":"phone","value":"3","use":"mobile"}]`, "Ann W", "Otieno", "3", "", "female"},
		"first phone":    {`,"telecom":[{"system":"email","value":"a@b"},{"system":"phone","value":" 1 "},{"system":"phone","value":"2"}]`, "Ann W", "Otieno", "1", "", "female"},
		"not old":        {`,"telecom":[{"system":"phone","value":"1","use":"old"},{"system":"fax","value":"2"},{"system":"email","value":"a@b"}]`, "Ann W", "Otieno", "a@b", "", "female"},
		"address":        {`,"address":[{"use":"work","city":"Kisumu"},{"use":"home","line":["1 Moi Ave"," "],"city":"Nairobi","state":"N","postalCode":"00100","country":"KE"}]`, "Ann W", "Otieno", "", "1 Moi Ave, Nairobi, N, 00100, KE", "female"},
		"first address":  {`,"address":[{"use":"old","city":"Kisumu"},{"city":"Nairobi"},{"city":"Mombasa"}]`, "Ann W", "Otieno", "", "Nairobi", "female"},
		"address text":   {`,"address":[{"text":"by the lake"}]`, "Ann W", "Otieno", "", "by the lake", "female"},
		"old address":    {`,"address":[{"use":"old","city":"Kisumu"}]`, "Ann W", "Otieno", "", "", "female"},
		"ignored":        {`,"active":false,"deceasedBoolean":true,"extension":[{"url":"x","valueDecimal":1.5}],"_birthDate":{"extension":[]}`, "Ann W", "Otieno", "", "", "female"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := take(t, patientLine("p", c.more), Options{})
			require.NoError(t, err)
			require.Empty(t, in.report.Bad)
			r := in.rows[0]
			require.Equal(t, []string{c.first, c.last, c.contact, c.address, c.gender},
				[]string{r.FirstName, r.LastName, r.ContactInfo, r.Address, r.Gender})
			require.Equal(t, born("1990-01-01"), r.DateOfBirth)
		})
	}
}

const mr = `{"type":{"coding":[{"code":"SS"},{"code":"MR"}]},"system":%q,"value":%q}`

func TestFHIRIdentifier(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		identifiers string
		want        identifier
	}{
		"none":           {``, identifier{FHIRSystem, "p"}},
		"record number":  {`{"system":"x","value":"0"},` + fmt.Sprintf(mr, "http://h", "7") + "," + fmt.Sprintf(mr, "http://i", "8"), identifier{"http://h", "7"}},
		"without system": {fmt.Sprintf(mr, " ", "7"), identifier{FHIRSystem, "p"}},
		"without value":  {fmt.Sprintf(mr, "http://h", ""), identifier{FHIRSystem, "p"}},
		"another type":   {`{"type":{"coding":[{"code":"PPN"}]},"system":"x","value":"0"}`, identifier{FHIRSystem, "p"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := take(t, patientLine(" p", `,"identifier":[`+c.identifiers+`]`), Options{})
			require.NoError(t, err)
			require.Empty(t, in.report.Bad)
			require.Equal(t, c.want, in.rows[0].key)
			require.Equal(t, "p", in.rows[0].fhirID)
		})
	}
}

func TestFHIRBadLines(t *testing.T) {
	t.Parallel()
	number := func(value string) string { return `,"identifier":[` + fmt.Sprintf(mr, "http://h", value) + `]` }
	for name, c := range map[string]struct {
		text   string
		line   int
		field  string
		reason string
	}{
		"not JSON":           {`{"resourceType":"Patient",`, 1, "", "not JSON"},
		"words":              {"Jane Doe", 1, "", "not JSON"},
		"pretty":             {"{\n}", 2, "", "not JSON"},
		"two a line":         {strings.TrimSpace(patientLine("1", "")) + patientLine("2", ""), 1, "", "not JSON"},
		"array":              {"[]", 1, "", "not a JSON object"},
		"null":               {"null", 1, "", "not a JSON object"},
		"number":             {"7", 1, "", "not a JSON object"},
		"other resource":     {`{"resourceType":"Observation","id":"1","name":"x"}`, 1, "resourceType", "must be Patient"},
		"no resource":        {`{}`, 1, "resourceType", "must be Patient"},
		"no id":              {patientLine("", ""), 1, "id", "must have an id"},
		"long id":            {patientLine(strings.Repeat("x", 256), ""), 1, "id", "at most 255"},
		"NUL in the id":      {patientLine("x", `,"id":"\u0000"`), 1, "id", "control character"},
		"wrong type":         {patientLine("1", `,"birthDate":19900101`), 1, "birthDate", "another JSON type"},
		"wrong type inside":  {patientLine("1", `,"name":{"family":"x"}`), 1, "name", "another JSON type"},
		"no name":            {patientLine("1", `,"name":[]`), 1, "first_name", "Give a first name"},
		"no date":            {patientLine("1", `,"birthDate":""`), 1, "date_of_birth", "Give the date"},
		"year":               {patientLine("1", `,"birthDate":"1990"`), 1, "date_of_birth", "The day of birth is missing"},
		"month":              {patientLine("1", `,"birthDate":"1990-05"`), 1, "date_of_birth", "The day of birth is missing"},
		"date and time":      {patientLine("1", `,"birthDate":"1990-05-01T00:00:00Z"`), 1, "date_of_birth", "as YYYY-MM-DD"},
		"gender":             {patientLine("1", `,"gender":"x"`), 1, "gender", "one of M, F"},
		"NUL":                {patientLine("1", `,"name":[{"family":"a\u0000b"}]`), 1, "first_name", "control character"},
		"half a surrogate":   {patientLine("1", `,"name":[{"family":"a\ud800b"}]`), 1, "first_name", "letters were lost"},
		"not UTF-8":          {patientLine("1", ",\"x\":\"\xff\""), 1, "", "not UTF-8"},
		"long address":       {patientLine("1", `,"address":[{"city":"`+strings.Repeat("x", 256)+`"}]`), 1, "address", "255 characters"},
		"long record number": {patientLine("1", number(strings.Repeat("x", 256))), 1, "identifier", "255 characters"},
		"NUL in the number":  {patientLine("1", `,"identifier":[{"type":{"coding":[{"code":"MR"}]},"system":"s","value":"\u0001"}]`), 1, "identifier", "control character"},
		"same id":            {patientLine("1", "") + "\n" + patientLine("1", ""), 3, "id", "Line 1 has the same one"},
		"same number":        {patientLine("1", number("7")) + patientLine("2", number("7")), 2, "identifier", "Line 1 has the same medical record number"},
		"endless line":       {`{"x":"` + strings.Repeat("x", maxLine) + `"}` + "\n{}", 2, "resourceType", "must be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := Run(context.Background(), nil, strings.NewReader(c.text), Options{Today: today, Format: "fhir"})
			require.ErrorIs(t, err, apperr.New(apperr.Invalid, "bad_lines", ""))
			last := report.Bad[len(report.Bad)-1]
			require.Equal(t, []any{"patients", c.line, c.field}, []any{last.File, last.Line, last.Field})
			require.Contains(t, last.Reason, c.reason)
		})
	}
}

func TestALineMayBeLong(t *testing.T) {
	t.Parallel()
	in, err := take(t, patientLine("1", `,"photo":[{"data":"`+strings.Repeat("A", 1<<20)+`"}]`)+strings.Repeat("x", maxLine+1), Options{})
	require.NoError(t, err)
	require.Len(t, in.rows, 1)
	require.Equal(t, []BadLine{{File: "patients", Line: 2, Reason: "The line is longer than 16 MiB."}}, in.report.Bad)
}

// What a line holds is not repeated in the reasons: they may be copied into a ticket.
func TestReasonsHoldNoValues(t *testing.T) {
	t.Parallel()
	secret := "Njambi"
	in, err := take(t, patientLine("1", `,"name":[{"family":"Njambi\u0000"}],"gender":"Njambi","birthDate":"Njambi"`)+
		`{"Njambi":`+"\n"+patientLine("Njambi", "")+patientLine("Njambi", "")+`{"resourceType":"Njambi"}`, Options{})
	require.NoError(t, err)
	require.Equal(t, 4, in.report.BadCount)
	for _, b := range in.report.Bad {
		require.NotContains(t, b.Reason+b.Field, secret)
	}
}
