package patientimport

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"chelal/internal/apperr"
)

// csvColumns are the columns of a CSV file. The first four must be there; a file
// without one of the others leaves it empty.
var csvColumns = []string{"first_name", "last_name", "date_of_birth", "gender",
	"contact_info", "address", "known_allergies", "external_id"}

const neededColumns = 4

// readHeader returns the columns by their names in csvColumns. Letter case, spaces,
// hyphens and underscores do not count: "First Name" is first_name.
func readHeader(r *csv.Reader) ([]string, error) {
	record, err := r.Read()
	if _, isSyntax := errors.AsType[*csv.ParseError](err); isSyntax || errors.Is(err, io.EOF) || errors.Is(err, errRunaway) {
		return nil, badHeader("it cannot be read")
	}
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	columns := make([]string, len(record))
	for i, name := range record {
		columns[i] = canonical(name)
	}
	return columns, checkHeader(columns, record)
}

func checkHeader(columns, given []string) error {
	var unknown, twice, missing []string
	for i, c := range columns {
		switch {
		case c == "":
			unknown = append(unknown, fmt.Sprintf("%.40q", given[i]))
		case slices.Contains(columns[:i], c):
			twice = append(twice, c)
		}
	}
	for _, c := range csvColumns[:neededColumns] {
		if !slices.Contains(columns, c) {
			missing = append(missing, c)
		}
	}
	switch {
	case len(unknown) == len(columns): // perhaps a person: their details are not repeated
		return badHeader("no column of it is known, so it is perhaps missing")
	case len(unknown) > 0:
		return badHeader("it has unknown columns: " + strings.Join(unknown, ", "))
	case len(twice) > 0:
		return badHeader("it has columns twice: " + strings.Join(twice, ", "))
	case len(missing) > 0:
		return badHeader("it lacks columns: " + strings.Join(missing, ", "))
	}
	return nil
}

func badHeader(what string) error {
	return apperr.New(apperr.Invalid, "bad_header", fmt.Sprintf(
		"The first line must be a header, and %s. The columns are %s; the first %d are needed.",
		what, strings.Join(csvColumns, ", "), neededColumns))
}

// canonical is the known name of a column, empty where there is none.
func canonical(name string) string {
	i := slices.IndexFunc(csvColumns, func(k string) bool { return bare(k) == bare(name) })
	if i < 0 {
		return ""
	}
	return csvColumns[i]
}

func bare(name string) string {
	name = strings.NewReplacer("_", "", "-", "", " ", "", "\u00a0", "").Replace(strings.TrimSpace(name))
	return strings.ToLower(name)
}
