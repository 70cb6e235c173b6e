package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
)

// report prints a table, and writes the figures and a chart of them where there is a folder.
func report(results []result, folder string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "WORK\tSERVER\tREFERENCE\tUNIT\tRATIO\tGOAL\t\t\n")
	for _, r := range results {
		sign := "missed"
		switch {
		case !r.judged():
			sign = ""
		case r.met():
			sign = "met"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.2f\t%s\t%s\t\n", r.work, number(r.product), number(r.reference), r.unit, r.ratio, r.goalText(), sign)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if folder != "" {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := writeCSV(filepath.Join(folder, "results.csv"), results); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "results.svg"), []byte(chart(results)), 0o644); err != nil {
			return err
		}
	}
	met, all := goalsMet(results)
	fmt.Printf("%d of %d goals are met.\n", met, all)
	return nil
}

func goalsMet(results []result) (met, all int) {
	for _, r := range results {
		if !r.judged() {
			continue
		}
		all++
		if r.met() {
			met++
		}
	}
	return met, all
}

func (r result) goalText() string {
	switch {
	case !r.judged():
		return ""
	case r.atMost:
		return fmt.Sprintf("<= %g", r.goal)
	}
	return fmt.Sprintf(">= %g", r.goal)
}

func number(f float64) string {
	switch {
	case f == 0:
		return ""
	case f < 10:
		return strconv.FormatFloat(f, 'f', 2, 64)
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// writeCSV ends with how many goals are met, of how many.
func writeCSV(file string, results []result) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	rows := [][]string{{"work", "product", "reference", "ratio", "goal"}}
	for _, r := range results {
		rows = append(rows, []string{r.work, number(r.product), number(r.reference), fmt.Sprintf("%.2f", r.ratio), r.goalText()})
	}
	met, all := goalsMet(results)
	rows = append(rows, []string{"goals met", strconv.Itoa(met), strconv.Itoa(all), fmt.Sprintf("%.2f", float64(met)/float64(all)), ">= 1"})
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return f.Close()
}

// chart draws what is compared as bars, with a mark at each goal.
func chart(results []result) string {
	const row, left, width, most = 26, 470, 420, 2.0
	var bars strings.Builder
	shown := 0
	for _, r := range results {
		if r.reference == 0 {
			continue
		}
		y, colour := 40+row*shown, "#0b6e69"
		switch {
		case !r.judged():
			colour = "#8a9596"
		case !r.met():
			colour = "#b3261e"
		}
		fmt.Fprintf(&bars, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.0f" height="14" fill="%s"/><text x="%d" y="%d">%.2f</text>`,
			left-10, y+12, r.work, left, y, width*min(r.ratio, most)/most, colour, left+width+10, y+12, r.ratio)
		if r.judged() {
			fmt.Fprintf(&bars, `<path d="M%.0f %d v20" stroke="#1f2a2b" stroke-width="2"/>`, left+width*r.goal/most, y-3)
		}
		bars.WriteString("\n")
		shown++
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="960" height="%d" font-family="system-ui, sans-serif" font-size="13">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="%d" y="22" font-weight="600">Requests a second, as a part of a bare handler's or pgbench's; for growth, the cost. Marks: goals; grey: without one</text>
%s</svg>
`, 60+row*shown, 20, bars.String())
}
