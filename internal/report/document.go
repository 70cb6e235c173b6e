package report

import "time"

// document is what every document is made of: a head, a table, and totals.
type document struct {
	Hospital Hospital
	Kind     string // Invoice, Receipt
	Number   string
	Made     time.Time
	Party    party
	Facts    []fact
	Columns  []column // the first is text, which wraps; the others are figures
	Rows     [][]string
	Totals   []total
}

// party is the patient, under a heading.
type party struct{ Heading, Name, Number string }

type fact struct{ Label, Value string }

type column struct {
	Heading string
	Width   float64 // mm; together as wide as the text
}

type total struct {
	Label, Amount string
	Strong        bool
}

// The measures of a page, in mm.
const (
	left, right = 20.0, 190.0
	top         = 18.0
	furtherTop  = 30.0  // of the table, on the second page and later
	bottom      = 272.0 // of the table and the totals
	foot        = 282.0
	lineHeight  = 4.6 // of the text in the table
	rowPadding  = 1.9 // above and below it
	columnGap   = 4.0
	headHeight  = 8.0 // of the table's head
	totalHeight = 7.0
	totalsGap   = 4.0 // above the totals
	factsColumn = 118.0
)

// row is a row of the table with its text broken into lines.
type row struct {
	text    []string
	figures []string
}

func (r row) height() float64 { return float64(len(r.text))*lineHeight + 2*rowPadding }

// paginate deals the rows out to pages, of which the first has less space; a whole page
// holds any row. When the totals do not fit below the last row, it goes with them to a
// further page.
func paginate(rows []row, first, others, totals float64) [][]row {
	pages, space := [][]row{nil}, first
	for _, r := range rows {
		if r.height() > space {
			pages, space = append(pages, nil), others
		}
		pages[len(pages)-1] = append(pages[len(pages)-1], r)
		space -= r.height()
	}
	if last := pages[len(pages)-1]; totals > space {
		keep := max(0, len(last)-1)
		pages = append(pages[:len(pages)-1], last[:keep], last[keep:])
	}
	return pages
}

// draw draws a document. Two documents of the same content have the same bytes, since
// nothing in them depends on when they are drawn.
func draw(d document) ([]byte, error) {
	if printable(d.Hospital.Name) == "" {
		d.Hospital.Name = "Hospital"
	}
	s := newSheet("P", d.Made, d.Kind+" "+d.Number)
	rows := make([]row, len(d.Rows))
	for i, cells := range d.Rows {
		rows[i] = row{s.wrap(cells[0], body, d.Columns[0].Width-columnGap), cells[1:]}
	}
	s.pdf.AddPage()
	start := s.head(d)
	totals := totalsGap + totalHeight*float64(len(d.Totals))
	pages := paginate(rows, bottom-start-headHeight, bottom-furtherTop-headHeight, totals)
	for i, page := range pages {
		if i > 0 {
			s.pdf.AddPage()
			s.runningHead(d)
			start = furtherTop
		}
		end := s.table(d.Columns, page, start)
		if i == len(pages)-1 {
			s.totals(d.Totals, end)
		}
		s.foot(d, i+1, len(pages))
	}
	return s.bytes()
}
