package testkit

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

var (
	pdfStream = regexp.MustCompile(`(?s)/FlateDecode.*?stream\n(.*?)\nendstream`)
	pdfText   = regexp.MustCompile(`(?s)Td \(((?:\\.|[^\\)])*)\)Tj`)
	pdfEscape = regexp.MustCompile(`(?s)\\(.)`)
)

// PDF returns the texts of a PDF of ours, one a line and in the order in which they were
// drawn, and how many pages it has.
func PDF(t testing.TB, pdf []byte) (text string, pages int) {
	t.Helper()
	require.True(t, bytes.HasPrefix(pdf, []byte("%PDF-")))
	var lines strings.Builder
	for _, stream := range pdfStream.FindAllSubmatch(pdf, -1) {
		reader, err := zlib.NewReader(bytes.NewReader(stream[1]))
		require.NoError(t, err)
		content, err := io.ReadAll(reader)
		require.NoError(t, err)
		for _, match := range pdfText.FindAllSubmatch(content, -1) {
			lines.WriteString(fromUTF16(pdfEscape.ReplaceAllFunc(match[1], unescape)) + "\n")
		}
	}
	return lines.String(), bytes.Count(pdf, []byte("/Type /Page\n"))
}

func unescape(escape []byte) []byte {
	if escape[1] == 'r' {
		return []byte{'\r'}
	}
	return escape[1:]
}

func fromUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	return string(utf16.Decode(units))
}
