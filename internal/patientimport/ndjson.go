package patientimport

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxLine bounds one resource; photographs stand inside it.
const maxLine = 16 << 20

// eachLine calls f with every line that is not blank. The line is f's until it
// returns; it is nil where it is longer than maxLine.
func eachLine(s *source, f func(number int, line []byte)) error {
	var line []byte
	for number := 1; ; number++ {
		var fits bool
		var err error
		line, fits, err = readLine(s.Reader, line[:0])
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("read %s: %w", s.name, err)
		case !fits:
			f(number, nil)
		case len(bytes.TrimSpace(line)) > 0:
			f(number, line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
	}
}

// readLine reads up to the newline into line; what goes beyond maxLine is read and
// dropped, and then fits is false.
func readLine(r *bufio.Reader, line []byte) (_ []byte, fits bool, err error) {
	fits = true
	for {
		part, err := r.ReadSlice('\n')
		if fits = fits && len(line)+len(part) <= maxLine; fits {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, fits, err
		}
	}
}

// decode reads a line as a resource of the type wanted. resourceType points into
// into, and is read whatever else is wrong.
func decode(line []byte, into any, resourceType *string, wanted string) (found problems) {
	switch {
	case line == nil:
		found.add("", fmt.Sprintf("The line is longer than %d MiB.", maxLine>>20))
		return found
	case !utf8.Valid(line):
		found.add("", "It is not UTF-8 text. Save the file in UTF-8.")
		return found
	}
	err := json.Unmarshal(line, into)
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	kind, isKind := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case isSyntax:
		found.add("", fmt.Sprintf("It is not JSON (byte %d). There must be one resource a line.", syntax.Offset))
	case bytes.TrimSpace(line)[0] != '{':
		found.add("", "It is not a JSON object. There must be one resource a line.")
	case *resourceType != wanted:
		found.add("resourceType", "It must be "+wanted+".")
	case isKind:
		found.add(kind.Field, "It is of another JSON type than FHIR R4 has there.")
	case err != nil:
		found.add("", "It cannot be read as JSON.")
	}
	return found
}
