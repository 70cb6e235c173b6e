package patientimport

import (
	"cmp"
	"slices"

	"chelal/internal/apperr"
)

// Report says what an import did, or in a dry run would do.
type Report struct {
	Lines    int // patients in the file, good and bad
	Created  int
	Existing int // imported before, and left as they are
	// Differing are the lines of existing patients whose record now says something
	// else than the file. A line without allergies does not differ by them.
	Differing []int
	// Bad holds the first wrong fields in the order of the file, at most maxBad;
	// BadCount is the number of wrong lines.
	Bad      []BadLine
	BadCount int
	// Allergies were joined to created patients. AllergiesLeft are those of existing
	// ones, whose records were left: somebody should look. AllergiesIgnored are
	// not active, refuted, or entered in error.
	Allergies        int
	AllergiesLeft    int
	AllergiesIgnored int
}

// BadLine is one thing wrong with a line. Field is empty where the whole line is at
// fault. It holds no values of the line.
type BadLine struct {
	File   string
	Line   int
	Field  string
	Reason string
}

const maxBad = 1000

// bad counts a wrong line. Call it once a line, with everything that is wrong.
func (r *Report) bad(file string, line int, fields ...apperr.Field) {
	r.BadCount++
	for _, f := range fields {
		if len(r.Bad) < maxBad {
			r.Bad = append(r.Bad, BadLine{File: file, Line: line, Field: f.Name, Reason: f.Message})
		}
	}
}

// sort brings what later checks found into the order of the lines.
func (r *Report) sort(files ...string) {
	slices.SortStableFunc(r.Bad, func(a, b BadLine) int {
		return cmp.Or(cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)), cmp.Compare(a.Line, b.Line))
	})
}

// add takes over what was written.
func (r *Report) add(done outcome, rows []row) {
	r.Created = done.created
	r.Existing = len(rows) - done.created
	r.Differing = done.differing
	r.Allergies = done.allergies
	for _, row := range rows {
		r.AllergiesLeft += row.allergies
	}
	r.AllergiesLeft -= done.allergies
}
