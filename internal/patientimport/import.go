// Package patientimport takes over the patients of another system: from a CSV
// file, or from the FHIR R4 bulk export of a hospital (NDJSON, one resource a
// line).
//
// An import is all or nothing: one wrong line, and nothing is written. It may be
// repeated: a patient is known again by an identifier, which is
//
//   - in FHIR, the first identifier of type MR (medical record number) that has a
//     system and a value, else the resource's id under the system FHIRSystem;
//   - in CSV, external_id under the system CSVSystem, else the SHA-256 of the
//     person's cleaned details under HashSystem. Then a person whose telephone
//     number has changed is a new person: files that will come again should
//     have an external_id.
//
// A patient who is known already is left as they are, even where the file says
// something else now: since the first import the hospital's own record leads.
package patientimport

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/internal/apperr"
)

// The systems of core_patientidentifier that this package gives out itself.
const (
	FHIRSystem = "urn:chelal:fhir-id"
	CSVSystem  = "csv"
	HashSystem = "csv-sha256"
)

// Options of one import. Only Today is needed.
type Options struct {
	// Format is "csv" or "fhir"; "" goes by the file's name and its first byte.
	Format string
	// Allergies are FHIR AllergyIntolerance resources of the patients, one a line.
	Allergies io.Reader
	// DryRun does everything, the writing included, and rolls it back. It leaves
	// gaps in ids, and dead rows that the database clears away by itself.
	DryRun bool
	// Today is the hospital's day.
	Today time.Time
	// RequestID stands in the audit rows.
	RequestID string
	// Progress hears of bytes read ("reading patients", "reading allergies"; total
	// is 0 where the size is not known) and of rows written ("writing patients").
	Progress func(step string, done, total int64)
}

// Run imports patients. It reads both files to the end, so that every wrong line is
// in the Report, and then writes in one transaction. Where any line is wrong,
// nothing is written and the error is an Invalid one with code bad_lines; a file
// that cannot be read as a whole is Invalid too (bad_header, unknown_format,
// not_text, empty_file). Imports at the same time wait for one another, before
// they write. After an error nothing has been written, Created being 0.
func Run(ctx context.Context, pool *pgxpool.Pool, patients io.Reader, o Options) (Report, error) {
	in := newIntake(o.Today)
	if err := in.read(ctx, patients, o); err != nil {
		return in.report, err
	}
	if err := in.findElsewhere(ctx, pool); err != nil {
		return in.report, err
	}
	if err := in.report.refusal(); err != nil {
		return in.report, err
	}
	done, err := write(ctx, pool, in.rows, o)
	if err != nil {
		return in.report, err
	}
	in.report.add(done, in.rows)
	return in.report, nil
}

// read takes in both files.
func (in *intake) read(ctx context.Context, patients io.Reader, o Options) error {
	src, err := openSource(ctx, patients, "patients", o.Progress)
	if err != nil {
		return err
	}
	switch format(o.Format, src) {
	case "fhir":
		err = in.readPatients(src)
	case "csv":
		if o.Allergies != nil {
			return apperr.New(apperr.Invalid, "unknown_format",
				"A file of allergies belongs to FHIR patients; in CSV they are the column known_allergies.")
		}
		err = in.readCSV(src)
	default:
		err = apperr.New(apperr.Invalid, "unknown_format", `The format must be "csv" or "fhir".`)
	}
	if err != nil || o.Allergies == nil {
		return err
	}
	if src, err = openSource(ctx, o.Allergies, "allergies", o.Progress); err != nil {
		return err
	}
	return in.readAllergies(src)
}

// refusal is the error of a report with wrong lines, nil of one without.
func (r *Report) refusal() error {
	if r.BadCount == 0 {
		return nil
	}
	what := fmt.Sprintf("%d lines are", r.BadCount)
	if r.BadCount == 1 {
		what = "One line is"
	}
	return apperr.New(apperr.Invalid, "bad_lines", what+" not valid, so nothing was written. Correct the file and import it again.")
}
