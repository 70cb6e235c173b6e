package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"
)

// sheet draws on the pages of one document.
type sheet struct {
	pdf   *fpdf.Fpdf
	fonts map[string]bool // the families and weights that the document has
}

// style is how a text looks.
type style struct {
	weight string // B for bold
	size   float64
	colour [3]int
}

var (
	ink    = [3]int{33, 37, 41}
	grey   = [3]int{108, 117, 125}
	faint  = [3]int{206, 212, 218}
	accent = [3]int{28, 78, 99}

	hospitalName = style{"B", 13, ink}
	title        = style{"B", 19, accent}
	number       = style{"", 10.5, ink}
	label        = style{"", 8.5, grey}
	strong       = style{"B", 9.5, ink}
	body         = style{"", 8.5, ink}
	heading      = style{"B", 8, grey}
)

// newSheet begins a document of upright (P) or lying (L) pages. Nothing in it depends on
// when it is drawn, or on the machine.
func newSheet(orientation string, made time.Time, title string) *sheet {
	pdf := fpdf.New(orientation, "mm", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(made)
	pdf.SetModificationDate(made)
	pdf.SetTitle(title, true)
	pdf.SetLang("en")
	pdf.SetMargins(0, 0, 0)
	pdf.SetCellMargin(0)
	pdf.SetAutoPageBreak(false, 0)
	return &sheet{pdf, map[string]bool{}}
}

func (s *sheet) bytes() ([]byte, error) {
	var b bytes.Buffer
	err := s.pdf.Output(&b)
	return b.Bytes(), err
}

// use sets the style that texts are measured and drawn in, and the family. A font comes into
// the document with its first text.
func (s *sheet) use(st style, family string) {
	if font := family + st.weight; !s.fonts[font] {
		s.fonts[font] = true
		weights := map[string]int{"": 0, "B": 1}
		s.pdf.AddUTF8FontFromBytes(family, st.weight, families[family][weights[st.weight]])
	}
	s.pdf.SetFont(family, st.weight, st.size)
	s.pdf.SetTextColor(st.colour[0], st.colour[1], st.colour[2])
}

// width is how wide a printable line is.
func (s *sheet) width(st style, line string) (width float64) {
	for _, p := range pieces(line) {
		s.use(st, p.family)
		width += s.pdf.GetStringWidth(p.text)
	}
	return width
}

// text writes one line, whose middle is half a line below y, to the left (L) or to the
// right (R) between two edges.
func (s *sheet) text(st style, align string, from, to, y, height float64, text string) {
	parts := pieces(visual(printable(text)))
	if align == "R" && len(parts) > 1 {
		from, align = to-s.width(st, visual(printable(text))), "L"
	}
	for _, p := range parts {
		s.use(st, p.family)
		s.pdf.SetXY(from, y)
		s.pdf.CellFormat(to-from, height, p.text, "", 0, align+"M", false, 0, "")
		from += s.pdf.GetStringWidth(p.text)
	}
}

// block writes lines below each other and returns where they end.
func (s *sheet) block(st style, from, y, height float64, lines []string) float64 {
	for _, line := range lines {
		s.text(st, "L", from, right, y, height, line)
		y += height
	}
	return y
}

func (s *sheet) rule(from, y, weight float64, colour [3]int) { s.line(from, right, y, weight, colour) }

func (s *sheet) line(from, to, y, weight float64, colour [3]int) {
	s.pdf.SetLineWidth(weight)
	s.pdf.SetDrawColor(colour[0], colour[1], colour[2])
	s.pdf.Line(from, y, to, y)
}

// wrap breaks a text into lines of a width, between words, or within a word that is wider
// than a line. There is always one line.
func (s *sheet) wrap(text string, st style, width float64) []string {
	lines := []string{""}
	for word := range strings.SplitSeq(printable(text), " ") {
		last := &lines[len(lines)-1]
		if s.width(st, *last+" "+word) <= width {
			*last = strings.TrimPrefix(*last+" "+word, " ")
			continue
		}
		if *last != "" {
			lines = append(lines, "")
		}
		for s.width(st, word) > width {
			n := s.fitting(st, word, width)
			lines[len(lines)-1] = word[:n]
			lines, word = append(lines, ""), word[n:]
		}
		lines[len(lines)-1] = word
	}
	return lines
}

// fitting is how many bytes of a word fit into a width, at least those of one character.
func (s *sheet) fitting(st style, word string, width float64) int {
	_, n := utf8.DecodeRuneInString(word)
	for i := range word {
		if i > n && s.width(st, word[:i]) > width {
			break
		}
		n = max(n, i)
	}
	return n
}

// head writes the first page's head: who hands out what to whom. It returns where the
// table begins.
func (s *sheet) head(d document) float64 {
	const middle = factsColumn - 8
	y := s.block(hospitalName, left, top, 6.5, s.wrap(d.Hospital.Name, hospitalName, middle-left)) + 1
	for line := range strings.SplitSeq(d.Hospital.Address+"\n"+d.Hospital.Phone, "\n") {
		if printable(line) != "" {
			y = s.block(label, left, y, 4.4, s.wrap(line, label, middle-left))
		}
	}
	s.text(title, "R", factsColumn, right, top-1, 9, strings.ToUpper(d.Kind))
	s.text(number, "R", factsColumn, right, top+8.5, 5.5, d.Number)
	y = max(y, top+14) + 5
	s.rule(left, y, 0.5, accent)
	y += 7

	partyEnd := s.block(heading, left, y, 5, []string{d.Party.Heading})
	partyEnd = s.block(strong, left, partyEnd, 5.2, s.wrap(d.Party.Name, strong, middle-left))
	partyEnd = s.block(label, left, partyEnd, 5, []string{"Patient number " + d.Party.Number})
	factsEnd := y
	for _, f := range d.Facts {
		s.text(label, "L", factsColumn, right, factsEnd, 5.4, f.Label)
		factsEnd = s.block(body, factsColumn+27, factsEnd, 5.4, s.wrap(f.Value, body, right-factsColumn-27))
	}
	return max(partyEnd, factsEnd) + 9
}

// runningHead writes the head of a further page.
func (s *sheet) runningHead(d document) {
	lines := s.wrap(d.Hospital.Name, label, 110)
	if len(lines) > 1 {
		lines[0] += " …"
	}
	s.text(label, "L", left, right, top, 5, lines[0])
	s.text(label, "R", left, right, top, 5, d.Kind+" "+d.Number)
}

// table writes the table's head and rows and returns where they end.
func (s *sheet) table(columns []column, rows []row, y float64) float64 {
	headings := make([]string, 0, len(columns))
	for _, c := range columns[1:] {
		headings = append(headings, c.Heading)
	}
	s.text(heading, "L", left, right, y, headHeight-2, columns[0].Heading)
	s.figures(heading, columns, headings, y, headHeight-2)
	y += headHeight
	s.rule(left, y-1, 0.3, ink)
	for i, r := range rows {
		if i > 0 {
			s.rule(left, y, 0.1, faint)
		}
		s.figures(body, columns, r.figures, y+rowPadding, lineHeight)
		s.block(body, left, y+rowPadding, lineHeight, r.text)
		y += r.height()
	}
	s.rule(left, y, 0.3, ink)
	return y
}

// figures writes what stands in the columns after the first, to the right of each.
func (s *sheet) figures(st style, columns []column, texts []string, y, height float64) {
	x := left + columns[0].Width
	for i, text := range texts {
		s.text(st, "R", x, x+columns[i+1].Width, y, height, text)
		x += columns[i+1].Width
	}
}

func (s *sheet) totals(totals []total, y float64) {
	y += totalsGap
	for i, t := range totals {
		st := body
		if t.Strong {
			st = strong
		}
		if t.Strong && i > 0 {
			s.rule(factsColumn, y, 0.3, ink)
		}
		s.text(st, "L", factsColumn, right, y, totalHeight, t.Label)
		s.text(st, "R", factsColumn, right, y, totalHeight, t.Amount)
		y += totalHeight
	}
}

func (s *sheet) foot(d document, page, pages int) {
	s.text(label, "L", left, right, foot, 5, d.Kind+" "+d.Number)
	s.text(label, "R", left, right, foot, 5, fmt.Sprintf("Page %d of %d", page, pages))
}
