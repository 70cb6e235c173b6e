package main

import (
	"fmt"
	"strings"

	"chelal/internal/patientimport"
)

// shownLines is how many wrong lines a report names. The others are counted: whoever
// exported the file wrongly has seen how by then.
const shownLines = 50

// printBad names the wrong lines, each with all that is wrong with it.
func (p *program) printBad(r patientimport.Report) {
	lines := 0
	var last patientimport.BadLine
	for _, bad := range r.Bad {
		if bad.File != last.File || bad.Line != last.Line {
			if lines++; lines > shownLines {
				break
			}
		}
		last = bad
		where := fmt.Sprintf("%s line %d", bad.File, bad.Line)
		if bad.Field != "" {
			where += ", " + bad.Field
		}
		p.print("%s: %s", where, bad.Reason)
	}
	if more := r.BadCount - min(lines, shownLines); more > 0 {
		p.print("... and %s more", plural(more, "wrong line"))
	}
}

// printReport says what was done.
func (p *program) printReport(r patientimport.Report, dryRun bool) {
	created := "created"
	if dryRun {
		created = "would be created"
	}
	p.print("%s in the file: %d %s, %d imported before and left as they are.",
		plural(r.Lines, "patient"), r.Created, created, r.Existing)
	if n := len(r.Differing); n > 0 {
		p.print("%s of an existing patient says something else than the record does now: %s.", plural(n, "line"), some(r.Differing))
	}
	if r.Allergies+r.AllergiesLeft+r.AllergiesIgnored > 0 {
		p.print("%s joined to created patients; %d belong to patients imported before, whose records stay as they are; "+
			"%d are not active, refuted, or entered in error.",
			plural(r.Allergies, "allergy record"), r.AllergiesLeft, r.AllergiesIgnored)
	}
	if dryRun {
		p.print("This was a dry run: nothing was written.")
	}
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// some lists the first line numbers.
func some(lines []int) string {
	const most = 20
	text := strings.Trim(fmt.Sprint(lines[:min(most, len(lines))]), "[]")
	text = strings.ReplaceAll(text, " ", ", ")
	if len(lines) > most {
		text += ", ..."
	}
	return text
}
