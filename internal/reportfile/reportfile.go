// Package reportfile writes files of many rows, straight from the database: how many there
// are makes no difference to the memory that a CSV file takes.
package reportfile

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/report"
	"chelal/internal/scheduling"
)

// MaxPDF is how many rows a PDF may have: nobody reads more on paper, and its pages are
// drawn in memory.
const MaxPDF = 5_000

// Lifetime is how long a file can be downloaded after it was asked for.
const Lifetime = 7 * 24 * time.Hour

// TooManyRows says that a PDF would have more rows than that.
var TooManyRows = apperr.New(apperr.Invalid, "too_many_rows",
	fmt.Sprintf("A PDF has at most %d rows. Ask for a shorter time, or for CSV.", MaxPDF))

// ContentTypes are those of the formats.
var ContentTypes = map[string]string{"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}

// Name is that of a file in the store.
func Name(f db.CoreReportfile) string { return fmt.Sprintf("report_files/%d.%s", f.ID, f.Format) }

// Title is what a file is called, by its kind.
func Title(f db.CoreReportfile) string { return kinds[f.Kind].title }

// Source is where rows come from.
type Source struct {
	Pool *pgxpool.Pool
	Zone *time.Location // the hospital's
}

// Write writes a file and answers how many rows it has. What it reads is of one moment.
func (s Source) Write(ctx context.Context, f db.CoreReportfile, hospital report.Hospital, w io.Writer) (int64, error) {
	k, known := kinds[f.Kind]
	if !known {
		return 0, fmt.Errorf("there is no report file of %s", f.Kind)
	}
	if f.Format == "pdf" {
		return s.writePDF(ctx, k, f, hospital, w)
	}
	return s.writeCSV(ctx, k, f, w)
}

func (s Source) writeCSV(ctx context.Context, k kind, f db.CoreReportfile, w io.Writer) (int64, error) {
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180
	headings := make([]string, len(k.columns))
	for i, c := range k.columns {
		headings[i] = c.name
	}
	if err := out.Write(headings); err != nil {
		return 0, err
	}
	cells := make([]string, len(k.columns))
	n, err := s.read(ctx, k, f, func(row [][]byte) error {
		for i, value := range row {
			cells[i] = string(value)
			if !k.columns[i].figure {
				cells[i] = harmless(cells[i])
			}
		}
		return out.Write(cells)
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return n, err
}

// harmless keeps a spreadsheet from taking a text for a formula (CWE-1236).
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func (s Source) writePDF(ctx context.Context, k kind, f db.CoreReportfile, hospital report.Hospital, w io.Writer) (int64, error) {
	table := report.Table{
		Hospital: hospital, Title: k.title, Made: f.CreatedAt.In(s.Zone),
		Span: f.DateFrom.Format(time.DateOnly) + " to " + f.DateTo.Format(time.DateOnly),
	}
	for _, c := range k.columns {
		if c.width > 0 {
			table.Columns = append(table.Columns, report.TableColumn{Heading: c.heading, Share: c.width, Right: c.figure})
		}
	}
	n, err := s.read(ctx, k, f, func(row [][]byte) error {
		if len(table.Rows) == MaxPDF {
			return TooManyRows
		}
		var cells []string
		for i, c := range k.columns {
			if c.width > 0 {
				cells = append(cells, c.onPaper(string(row[i])))
			}
		}
		table.Rows = append(table.Rows, cells)
		return nil
	})
	if err != nil {
		return n, err
	}
	pdf, err := table.PDF()
	if err != nil {
		return n, err
	}
	_, err = w.Write(pdf)
	return n, err
}

// onPaper is a value as a page has it.
func (c column) onPaper(value string) string {
	const minutes = len("2006-01-02T15:04")
	if c.moment && len(value) > minutes {
		return strings.Replace(value[:minutes], "T", " ", 1)
	}
	return value
}

// asLongAsItTakes lifts the limit that a request has, and has times written by the
// hospital's clocks.
const asLongAsItTakes = "SELECT set_config('statement_timeout', '0', true), set_config('TimeZone', $1, true)"

// read takes the rows as the database sends them, one by one.
func (s Source) read(ctx context.Context, k kind, f db.CoreReportfile, take func(row [][]byte) error) (int64, error) {
	tx, err := s.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing was written
	if _, err := tx.Exec(ctx, asLongAsItTakes, s.Zone.String()); err != nil {
		return 0, err
	}
	next := f.DateTo.AddDate(0, 0, 1)
	rows, err := tx.Query(ctx, k.sql, f.DateFrom, next, scheduling.DayStart(f.DateFrom, s.Zone), scheduling.DayStart(next, s.Zone))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var n int64
	for rows.Next() {
		if err := take(rows.RawValues()); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}
