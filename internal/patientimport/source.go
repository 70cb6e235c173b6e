package patientimport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"chelal/internal/apperr"
)

// source is a file to read: its name for the report, its text without a byte order
// mark.
type source struct {
	*bufio.Reader
	name string
}

// openSource looks at the first bytes, so that a spreadsheet or an archive is
// refused by what it is and not by a thousand wrong lines.
func openSource(ctx context.Context, r io.Reader, what string, progress func(string, int64, int64)) (*source, error) {
	m := &meter{ctx: ctx, r: r, total: size(r), step: "reading " + what, progress: progress}
	s := &source{Reader: bufio.NewReaderSize(m, 256<<10), name: what}
	if named, ok := r.(interface{ Name() string }); ok {
		s.name = filepath.Base(named.Name())
	}
	start, err := s.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", s.name, err)
	}
	if len(start) == 0 {
		return nil, apperr.New(apperr.Invalid, "empty_file", "The file of "+what+" is empty.")
	}
	for prefix, advice := range binary {
		if bytes.HasPrefix(start, []byte(prefix)) {
			return nil, apperr.New(apperr.Invalid, "not_text", "The file of "+what+" is "+advice)
		}
	}
	if bytes.HasPrefix(start, []byte("\ufeff")) {
		if _, err := s.Discard(len("\ufeff")); err != nil {
			return nil, fmt.Errorf("read %s: %w", s.name, err)
		}
	}
	return s, nil
}

var binary = map[string]string{
	"\x1f\x8b":         "compressed. Unpack it first.",
	"PK\x03\x04":       "a spreadsheet or an archive. Save a spreadsheet as CSV in UTF-8, unpack an archive.",
	"\xd0\xcf\x11\xe0": "an old spreadsheet. Save it as CSV in UTF-8.",
	"\xff\xfe":         "in UTF-16. Save it in UTF-8.",
	"\xfe\xff":         "in UTF-16. Save it in UTF-8.",
}

// format decides what the file is where the caller did not.
func format(given string, s *source) string {
	if given != "" {
		return given
	}
	switch strings.ToLower(filepath.Ext(s.name)) {
	case ".csv", ".tsv":
		return "csv"
	case ".ndjson", ".jsonl", ".json":
		return "fhir"
	}
	if first, _ := s.Peek(1); bytes.ContainsAny(first, "{[") {
		return "fhir"
	}
	return "csv"
}

// meter tells how far a file is read, and stops when the caller gives up.
type meter struct {
	ctx         context.Context
	r           io.Reader
	done, total int64
	step        string
	progress    func(step string, done, total int64)
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.done += int64(n)
	if m.progress != nil && n > 0 {
		m.progress(m.step, m.done, m.total)
	}
	return n, err
}

// size is the number of bytes to read, 0 where nobody knows.
func size(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	case interface{ Len() int }:
		return int64(r.Len())
	}
	return 0
}
