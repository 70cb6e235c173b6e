package patientimport

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
)

func TestFilesThatAreNotText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, code, want string }{
		"empty":       {"", "empty_file", "is empty"},
		"gzip":        {"\x1f\x8b\x08\x00xx", "not_text", "compressed"},
		"xlsx":        {"PK\x03\x04xx", "not_text", "spreadsheet"},
		"xls":         {"\xd0\xcf\x11\xe0\xa1", "not_text", "spreadsheet"},
		"UTF-16":      {"\xff\xfef\x00", "not_text", "UTF-16"},
		"wrong bytes": {"x", "bad_header", "first line must be a header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Run(context.Background(), nil, strings.NewReader(c.file), Options{Today: today})
			require.ErrorIs(t, err, apperr.New(apperr.Invalid, c.code, ""))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, text, given, want string }{
		"given":            {"a.csv", "first_name", "fhir", "fhir"},
		"name of CSV":      {"a.CSV", "{", "", "csv"},
		"name of NDJSON":   {"a.ndjson", "first_name", "", "fhir"},
		"first byte":       {"a", `{"resourceType":"Patient"}`, "", "fhir"},
		"after a mark":     {"a.txt", "\ufeff{}", "", "fhir"},
		"anything else":    {"a.txt", "first_name", "", "csv"},
		"only a mark":      {"a.txt", "\ufeff", "", "csv"},
		"one byte of text": {"a.txt", "{", "", "fhir"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), c.file)
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			f, err := os.Open(path)
			require.NoError(t, err)
			t.Cleanup(func() { _ = f.Close() })
			s, err := openSource(context.Background(), f, "patients", nil)
			require.NoError(t, err)
			require.Equal(t, c.file, s.name)
			require.Equal(t, c.want, format(c.given, s))
		})
	}
}

func TestUnknownFormat(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Format: "xml"}, {Format: "csv", Allergies: strings.NewReader("{}")}} {
		_, err := take(t, header, o)
		require.ErrorIs(t, err, apperr.New(apperr.Invalid, "unknown_format", ""))
	}
}

func TestProgressOfReading(t *testing.T) {
	t.Parallel()
	var steps []string
	var last int64
	_, err := take(t, patientLine("1", ""), Options{
		Allergies: strings.NewReader(" "),
		Progress: func(step string, done, total int64) {
			steps, last = append(steps, step), done
			require.Equal(t, total, done)
		},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"reading patients", "reading allergies"}, steps)
	require.EqualValues(t, 1, last)
}
