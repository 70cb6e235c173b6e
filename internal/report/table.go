package report

import (
	"fmt"
	"time"
)

// Table is a list of records on paper, in landscape.
type Table struct {
	Hospital Hospital
	Title    string
	Span     string    // of which days it is
	Made     time.Time // in the hospital's zone
	Columns  []TableColumn
	Rows     [][]string
}

// TableColumn is one of its columns; what does not fit into it is cut off.
type TableColumn struct {
	Heading string
	Share   float64 // of the page's width
	Right   bool    // stands to the right
}

// The measures of a page, in mm.
const (
	tableLeft, tableRight = 15.0, 282.0
	tableTop              = 36.0
	tableFoot             = 200.0
	tableRow              = 5.4
	tableGap              = 3.0 // between columns
)

// rowsAPage is how many rows a page has below its head.
const rowsAPage = 29

// PDF draws the table. The same one always comes out as the same bytes.
func (t Table) PDF() ([]byte, error) {
	s := newSheet("L", t.Made, t.Title)
	if printable(t.Hospital.Name) == "" {
		t.Hospital.Name = "Hospital"
	}
	pages := max(1, (len(t.Rows)+rowsAPage-1)/rowsAPage)
	for page := range pages {
		s.pdf.AddPage()
		s.text(hospitalName, "L", tableLeft, tableRight, 12, 7, s.cut(t.Hospital.Name, hospitalName, 180))
		s.text(title, "R", tableLeft, tableRight, 11, 9, t.Title)
		s.text(number, "R", tableLeft, tableRight, 20, 5.5, t.Span)
		s.cells(t, heading, headings(t.Columns), tableTop-7)
		s.line(tableLeft, tableRight, tableTop-1, 0.3, ink)
		y := tableTop
		for _, row := range t.Rows[page*rowsAPage : min(len(t.Rows), (page+1)*rowsAPage)] {
			s.cells(t, body, row, y)
			y += tableRow
			s.line(tableLeft, tableRight, y, 0.1, faint)
		}
		s.text(label, "L", tableLeft, tableRight, tableFoot, 5, fmt.Sprintf("%d rows · made on %s", len(t.Rows), t.Made.Format("2 January 2006, 15:04")))
		s.text(label, "R", tableLeft, tableRight, tableFoot, 5, fmt.Sprintf("Page %d of %d", page+1, pages))
	}
	return s.bytes()
}

func headings(columns []TableColumn) []string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.Heading
	}
	return all
}

func (s *sheet) cells(t Table, st style, cells []string, y float64) {
	all := 0.0
	for _, c := range t.Columns {
		all += c.Share
	}
	x := tableLeft
	for i, c := range t.Columns {
		width := (tableRight - tableLeft) * c.Share / all
		align := "L"
		if c.Right {
			align = "R"
		}
		s.text(st, align, x, x+width-tableGap, y, tableRow, s.cut(cells[i], st, width-tableGap))
		x += width
	}
}

// cut shortens a text to a width, and shows that it did.
func (s *sheet) cut(text string, st style, width float64) string {
	text = printable(text)
	if s.width(st, text) <= width {
		return text
	}
	const more = "…"
	return text[:s.fitting(st, text, width-s.width(st, more))] + more
}
