package patientimport

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/internal/apperr"
	"chelal/internal/patient"
)

// identifier is what another system calls a patient.
type identifier struct{ system, value string }

// row is a patient of the file who will be written, or is known already.
type row struct {
	patient.Details
	line int
	key  identifier // by which the patient is known again
	// fhirID is the resource's id, to which allergies refer; empty in CSV.
	fhirID    string
	allergies int // how many are joined in KnownAllergies
}

// intake is what has been read so far.
type intake struct {
	today time.Time
	rows  []row
	lines map[identifier]int // the line on which an identifier stands first
	// byID finds the place in rows of a resource's id; -1 where its line is wrong.
	byID map[string]int
	// elsewhere holds the lines of allergies whose patients the file does not have.
	elsewhere map[string][]int
	files     []string
	report    Report
}

func newIntake(today time.Time) *intake {
	return &intake{today: today, lines: map[identifier]int{}, byID: map[string]int{}, elsewhere: map[string][]int{}}
}

// admit adds a patient to the rows, or its line to the wrong ones. found are the
// problems that reading the line has shown; a field that has one is not checked
// for more.
func (in *intake) admit(file string, r row, found problems) {
	in.report.Lines++
	for _, f := range r.Check(in.today) {
		if !found.has(f.Name) {
			found = append(found, f)
		}
	}
	if r.fhirID != "" {
		in.claim(r, identifier{FHIRSystem, r.fhirID}, &found)
		in.byID[r.fhirID] = -1
	}
	if r.key != (identifier{FHIRSystem, r.fhirID}) {
		in.claim(r, r.key, &found)
	}
	if len(found) > 0 {
		in.report.bad(file, r.line, found...)
		return
	}
	if r.fhirID != "" {
		in.byID[r.fhirID] = len(in.rows)
	}
	in.rows = append(in.rows, r)
}

// claim notes the line of an identifier; only one may have it.
func (in *intake) claim(r row, id identifier, found *problems) {
	if id.value == "" {
		return
	}
	first, taken := in.lines[id]
	switch {
	case !taken:
		in.lines[id] = r.line
	case id.system == HashSystem:
		found.add("", fmt.Sprintf("The same person as line %d. Give external_id if they are two people.", first))
	case id.system == CSVSystem:
		found.add("external_id", fmt.Sprintf("Line %d has the same one.", first))
	case id.system == FHIRSystem:
		found.add("id", fmt.Sprintf("Line %d has the same one.", first))
	default:
		found.add("identifier", fmt.Sprintf("Line %d has the same medical record number.", first))
	}
}

// findElsewhere looks among the patients imported before for those whose allergies
// the file has without having them.
func (in *intake) findElsewhere(ctx context.Context, pool *pgxpool.Pool) error {
	if len(in.elsewhere) == 0 {
		return nil
	}
	ids := make([]string, 0, len(in.elsewhere))
	for id := range in.elsewhere {
		ids = append(ids, id)
	}
	known, err := pool.Query(ctx, `SELECT value FROM core_patientidentifier WHERE system = $1 AND value = ANY($2)`, FHIRSystem, ids)
	if err != nil {
		return fmt.Errorf("look for earlier patients: %w", err)
	}
	defer known.Close()
	for known.Next() {
		var id string
		if err := known.Scan(&id); err != nil {
			return fmt.Errorf("look for earlier patients: %w", err)
		}
		in.report.AllergiesLeft += len(in.elsewhere[id])
		delete(in.elsewhere, id)
	}
	if err := known.Err(); err != nil {
		return fmt.Errorf("look for earlier patients: %w", err)
	}
	in.reportElsewhere()
	return nil
}

// reportElsewhere makes the lines of patients who are nowhere wrong ones.
func (in *intake) reportElsewhere() {
	var lines []int
	for _, l := range in.elsewhere {
		lines = append(lines, l...)
	}
	slices.Sort(lines)
	for _, line := range lines {
		in.report.bad(in.files[len(in.files)-1], line, apperr.Field{Name: "patient",
			Message: "The patient is neither in the file of patients nor imported before."})
	}
	in.report.sort(in.files...)
}
