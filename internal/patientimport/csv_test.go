package patientimport

import (
	"context"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
	"chelal/internal/patient"
)

var today = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// take reads without a database.
func take(t *testing.T, patients string, o Options) (*intake, error) {
	t.Helper()
	in := newIntake(today)
	err := in.read(context.Background(), strings.NewReader(patients), o)
	return in, err
}

const header = "first_name,last_name,date_of_birth,gender,contact_info,address,known_allergies,external_id\n"

func born(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestCSVForms(t *testing.T) {
	t.Parallel()
	want := patient.Details{FirstName: "Zo\u00e9", LastName: "Otieno", DateOfBirth: born("1990-02-28"), Gender: "F", Address: "1, Moi Ave"}
	for name, file := range map[string]string{
		"comma":           "first_name,last_name,date_of_birth,gender,address\nZo\u00e9,Otieno,1990-02-28,F,\"1, Moi Ave\"\n",
		"no last newline": "first_name,last_name,date_of_birth,gender,address\nZo\u00e9,Otieno,1990-02-28,F,\"1, Moi Ave\"",
		"semicolon":       "first_name;last_name;date_of_birth;gender;address\nZo\u00e9;Otieno;1990-02-28;F;1, Moi Ave\n",
		"tab":             "first_name\tlast_name\tdate_of_birth\tgender\taddress\nZo\u00e9\tOtieno\t1990-02-28\tF\t1, Moi Ave\n",
		"mark and CRLF":   "\ufefffirst_name,last_name,date_of_birth,gender,address\r\nZo\u00e9,Otieno,1990-02-28,F,\"1, Moi Ave\"\r\n",
		"order and case":  "GENDER,Date of Birth,Last-Name,\" First Name\",address\nF,1990-02-28,Otieno,Zo\u00e9, \"1, Moi Ave\"\n",
		"spaces":          "first_name,last_name,date_of_birth,gender,address\n Zo\u00e9 ,Otieno\t, 1990-02-28,F , \"1, Moi Ave \"\n",
		"decomposed":      "first_name,last_name,date_of_birth,gender,address\nZoe\u0301,Otieno,1990-02-28,F,\"1, Moi Ave\"\n",
		"blank records":   "\nfirst_name,last_name,date_of_birth,gender,address\n\nZo\u00e9,Otieno,1990-02-28,F,\"1, Moi Ave\"\n,,,,\n,,,,,,,\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := take(t, file, Options{})
			require.NoError(t, err)
			require.Empty(t, in.report.Bad)
			require.Len(t, in.rows, 1)
			require.Equal(t, want, in.rows[0].Details)
			require.Equal(t, HashSystem, in.rows[0].key.system)
			require.Len(t, in.rows[0].key.value, 64)
		})
	}
}

func TestCSVIdentifier(t *testing.T) {
	t.Parallel()
	in, err := take(t, header+"A,B,1990-01-01,F,,,,X 1\nA,B,1990-01-01,F,,,,X 2\n", Options{Format: "csv"})
	require.NoError(t, err)
	require.Empty(t, in.report.Bad)
	require.Equal(t, identifier{"csv", "X 1"}, in.rows[0].key)
	require.Equal(t, identifier{"csv", "X 2"}, in.rows[1].key)
}

// The hash must not change between releases: a second import would create everybody again.
func TestCSVHashIsStable(t *testing.T) {
	t.Parallel()
	in, err := take(t, header+"Jane,Doe,1990-01-01,F,0700,Moi Ave,Nuts,\n", Options{})
	require.NoError(t, err)
	require.Equal(t, "fbe9b43ab6d6cc98de232900229b7a44bf6f03f3630d3c763426b3727a17e0c8", in.rows[0].key.value)
}

func TestCSVBadLines(t *testing.T) {
	t.Parallel()
	const good = "A,B,1990-01-01,F,,,,\n"
	for name, c := range map[string]struct {
		record string
		line   int
		field  string
		reason string
	}{
		"no first name":        {",B,1990-01-01,F,,,,", 2, "first_name", "Give a first name"},
		"no date":              {"A,B,,F,,,,", 2, "date_of_birth", "Give the date"},
		"year only":            {"A,B,1990,F,,,,", 2, "date_of_birth", "The day of birth is missing"},
		"year and month":       {"A,B,1990-02,F,,,,", 2, "date_of_birth", "The day of birth is missing"},
		"other order":          {"A,B,31/01/1990,F,,,,", 2, "date_of_birth", "as YYYY-MM-DD"},
		"no such day":          {"A,B,1990-02-30,F,,,,", 2, "date_of_birth", "a day that exists"},
		"future":               {"A,B,2026-03-02,F,,,,", 2, "date_of_birth", "after today"},
		"too long ago":         {"A,B,1800-01-01,F,,,,", 2, "date_of_birth", "150 years"},
		"gender":               {"A,B,1990-01-01,X,,,,", 2, "gender", "one of M, F"},
		"no gender":            {"A,B,1990-01-01,,,,,", 2, "gender", "Give the gender"},
		"long name":            {strings.Repeat("x", 101) + ",B,1990-01-01,F,,,,", 2, "first_name", "100 characters"},
		"long external_id":     {"A,B,1990-01-01,F,,,," + strings.Repeat("x", 256), 2, "external_id", "255 characters"},
		"NUL":                  {"A\x00,B,1990-01-01,F,,,,", 2, "first_name", "control character"},
		"escape":               {"A,B,1990-01-01,F,,\x1b[31m,,", 2, "address", "control character"},
		"control in the date":  {"A,B,1990-01-01\x07,F,,,,", 2, "date_of_birth", "control character"},
		"not UTF-8":            {"A,M\xfcller,1990-01-01,F,,,,", 2, "last_name", "not UTF-8"},
		"lost letters":         {"A,M\ufffdller,1990-01-01,F,,,,", 2, "last_name", "letters were lost"},
		"too few fields":       {"A,B,1990-01-01,F", 2, "", "4 fields where the header has 8"},
		"too many fields":      {"A,B,1990-01-01,F,,,,,,", 2, "", "10 fields where the header has 8"},
		"bare quote":           {`A "x" B,C,1990-01-01,F,,,,`, 2, "", "quotation mark"},
		"quote inside":         {`"A"x,C,1990-01-01,F,,,,`, 2, "", "quotation mark"},
		"quote never closed":   {good + good[1:] + `"A,C,1990-01-01,F,,,,`, 4, "", "quotation mark"},
		"runaway quote":        {`"A,C,1990-01-01,F,,,,` + strings.Repeat("\nx", maxRecord), 2, "", "1 MiB"},
		"runaway line":         {strings.Repeat("x", 2*maxRecord), 2, "", "1 MiB"},
		"after quoted newline": {"A,B,1990-01-01,F,,\"one\ntwo\r\nthree\",,\nC,D,1990-01-01,X,,,,", 5, "gender", "one of"},
		"after a blank line":   {"\n\r\nC,D,1990-01-01,X,,,,", 4, "gender", "one of"},
		"same external_id":     {"A,B,1990-01-01,F,,,,7\nC,D,1991-01-01,M,,,,7", 3, "external_id", "Line 2 has"},
		"same person":          {good + " A,B ,1990-01-01,F,,,,", 3, "", "The same person as line 2. Give external_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := Run(context.Background(), nil, strings.NewReader(header+c.record+"\n"), Options{Today: today})
			require.ErrorIs(t, err, apperr.New(apperr.Invalid, "bad_lines", ""))
			require.NotEmpty(t, report.Bad)
			last := report.Bad[len(report.Bad)-1]
			require.Equal(t, []any{"patients", c.line, c.field}, []any{last.File, last.Line, last.Field})
			require.Contains(t, last.Reason, c.reason)
		})
	}
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	t.Parallel()
	in, err := take(t, header+"A,B,1990-01-01,F,,,,\n,B\x01,1990-13-01,X,,,,\nC,D,1990-01-01,F,,,\n", Options{})
	require.NoError(t, err)
	require.Equal(t, 3, in.report.Lines)
	require.Equal(t, 2, in.report.BadCount)
	var fields []string
	for _, b := range in.report.Bad {
		fields = append(fields, b.Field)
	}
	require.Equal(t, []string{"last_name", "date_of_birth", "first_name", "gender", ""}, fields)
}

func TestBadLinesAreCountedBeyondThoseKept(t *testing.T) {
	t.Parallel()
	in, err := take(t, header+strings.Repeat("A,B\n", maxBad+5), Options{})
	require.NoError(t, err)
	require.Len(t, in.report.Bad, maxBad)
	require.EqualError(t, in.report.refusal(),
		"1005 lines are not valid, so nothing was written. Correct the file and import it again.")
}

func TestCSVHeader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, want string }{
		"unknown columns":  {"first_name,last_name,date_of_birth,gender,insurer,\"blood\ngroup\"\n", `unknown columns: "insurer", "blood\ngroup"`},
		"missing columns":  {"first_name,gender\n", "it lacks columns: last_name, date_of_birth. The columns are"},
		"twice":            {"first_name,First Name,last_name,date_of_birth,gender\n", "it has columns twice: first_name"},
		"no header":        {"Jane,Doe,1990-01-01,F\n", "no column of it is known, so it is perhaps missing"},
		"broken":           {"\"first_name\n", "it cannot be read"},
		"blank":            {"\n\n", "it cannot be read"},
		"long":             {strings.Repeat("x", 2*maxRecord), "it cannot be read"},
		"all known listed": {"x\n", strings.Join(csvColumns, ", ")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := take(t, c.file, Options{Format: "csv"})
			require.ErrorIs(t, err, apperr.New(apperr.Invalid, "bad_header", ""))
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "Jane")
			require.Zero(t, in.report.Lines)
		})
	}
}

func TestReadingFails(t *testing.T) {
	t.Parallel()
	broken := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(header)))
	_, err := Run(context.Background(), nil, broken, Options{Today: today})
	require.ErrorIs(t, err, iotest.ErrTimeout)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Run(ctx, nil, strings.NewReader(header), Options{Today: today})
	require.ErrorIs(t, err, context.Canceled)
}
