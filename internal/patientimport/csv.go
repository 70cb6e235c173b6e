package patientimport

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// maxRecord bounds one record, so that a quotation mark that is never closed does
// not take the rest of the file for a field.
const maxRecord = 1 << 20

var errRunaway = errors.New("a record is too long")

// readCSV takes in the records under a header. Blank ones are passed over.
func (in *intake) readCSV(s *source) error {
	in.files = append(in.files, s.name)
	bound := &bounded{r: s, left: maxRecord}
	comma := delimiter(s)
	r := csv.NewReader(bound)
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = comma, -1, comma != '\t', true
	columns, err := readHeader(r)
	if err != nil {
		return err
	}
	for next := 2; ; {
		bound.left = maxRecord
		record, err := r.Read()
		line := next
		if len(record) > 0 {
			line, _ = r.FieldPos(0)
		}
		syntax, isSyntax := errors.AsType[*csv.ParseError](err)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case isSyntax:
			in.refuse(s, syntax.StartLine, "A quotation mark is missing, or stands inside a field without being doubled.")
		case errors.Is(err, errRunaway):
			in.refuse(s, line, "The record is longer than 1 MiB: a quotation mark is probably never closed. Nothing after it was read.")
			return nil
		case err != nil:
			return fmt.Errorf("read %s: %w", s.name, err)
		default:
			in.record(s, line, columns, record)
		}
		next = line + 1
	}
}

func (in *intake) refuse(s *source, line int, reason string) {
	var found problems
	found.add("", reason)
	in.report.Lines++
	in.report.bad(s.name, line, found...)
}

func (in *intake) record(s *source, line int, columns, record []string) {
	switch {
	case join(record, "") == "":
	case len(record) != len(columns):
		in.refuse(s, line, fmt.Sprintf("It has %d fields where the header has %d.", len(record), len(columns)))
	default:
		r, found := parseRecord(columns, record)
		r.line = line
		in.admit(s.name, r, found)
	}
}

// parseRecord reads a person. record has a field for each column.
func parseRecord(columns, record []string) (r row, found problems) {
	values := map[string]string{}
	for i, column := range columns {
		values[column] = found.clean(column, record[i])
	}
	r.FirstName = values["first_name"]
	r.LastName = values["last_name"]
	if !found.has("date_of_birth") {
		r.DateOfBirth = found.date(values["date_of_birth"])
	}
	r.Gender = values["gender"]
	r.ContactInfo = values["contact_info"]
	r.Address = values["address"]
	r.KnownAllergies = values["known_allergies"]
	if id := values["external_id"]; tooLong(id) {
		found.add("external_id", "It may have at most 255 characters.")
	} else if id != "" {
		r.key = identifier{CSVSystem, id}
	} else if len(found) == 0 {
		r.key = identifier{HashSystem, r.hash()}
	}
	return r, found
}

// hash stands for an identifier where the file has none. No value holds a NUL.
func (r row) hash() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		r.FirstName, r.LastName, r.DateOfBirth.Format(time.DateOnly), r.Gender, r.ContactInfo, r.Address, r.KnownAllergies,
	}, "\x00")))
	return hex.EncodeToString(sum[:])
}

// delimiter is the sign that the header has most often outside quotation marks.
func delimiter(s *source) rune {
	start, _ := s.Peek(4096)
	header, _, _ := bytes.Cut(bytes.TrimLeft(start, "\r\n"), []byte("\n"))
	count, quoted := map[byte]int{',': 0}, false
	for _, b := range header {
		if b == '"' {
			quoted = !quoted
		} else if !quoted {
			count[b]++
		}
	}
	best := byte(',')
	for _, b := range []byte(";\t") {
		if count[b] > count[best] {
			best = b
		}
	}
	return rune(best)
}

// bounded fails with errRunaway once left bytes have been read.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRunaway
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
