// Package checkup answers whether a deployment is safe: what is set, and what is in the
// database. It changes nothing.
package checkup

import (
	"cmp"
	"slices"
)

// Level says how a finding is to be taken.
type Level string

// The levels: Danger means that somebody may do or read what they must not.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Danger  Level = "danger"
)

// Finding is what one look has found. Advice says what to do about it and is empty where
// all is well.
type Finding struct {
	Level   Level  `json:"level"`
	Subject string `json:"subject"`
	Found   string `json:"found"`
	Advice  string `json:"advice,omitempty"`
}

// Report is everything that was looked at, the worst first.
type Report struct {
	Level    Level     `json:"level"` // of the worst finding
	Findings []Finding `json:"findings"`
}

var severity = map[Level]int{OK: 0, Warning: 1, Danger: 2}

// NewReport sorts findings, the worst first and those of a level by subject.
func NewReport(findings []Finding) Report {
	sorted := slices.SortedStableFunc(slices.Values(findings), func(a, b Finding) int {
		return cmp.Or(severity[b.Level]-severity[a.Level], cmp.Compare(a.Subject, b.Subject))
	})
	r := Report{Level: OK, Findings: sorted}
	if len(sorted) > 0 {
		r.Level = sorted[0].Level
	}
	return r
}

// Count returns how many findings have a level.
func (r Report) Count(level Level) int {
	n := 0
	for _, f := range r.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// Join adds findings to others, but for those on a subject of which something is known.
func Join(known, more []Finding) []Finding {
	all := slices.Clone(known)
	for _, f := range more {
		if !slices.ContainsFunc(known, func(k Finding) bool { return k.Subject == f.Subject }) {
			all = append(all, f)
		}
	}
	return all
}

func ok(subject, found string) Finding { return Finding{OK, subject, found, ""} }

func warning(subject, found, advice string) Finding { return Finding{Warning, subject, found, advice} }

func danger(subject, found, advice string) Finding { return Finding{Danger, subject, found, advice} }
