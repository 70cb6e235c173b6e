package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chelal/internal/seed"
)

// sizes are numbers of patients, as a flag.
type sizes []int

// String writes them as Set reads them.
func (s *sizes) String() string {
	var all []string
	for _, n := range *s {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, ",")
}

// Set reads them, with commas between.
func (s *sizes) Set(text string) error {
	*s = nil
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n <= small {
			return fmt.Errorf("numbers of patients above %d, with commas between", small)
		}
		*s = append(*s, n)
	}
	return nil
}

// small is how many patients a hospital has before it grows: 20,000 to 30,000 rows, the more the more doctors there are.
const small = 500

// aged is a hospital of so many patients. Half of a small one's are those of these weeks, whose appointments are
// about today; all others came in the past, to so many doctors. So however many there are, a day has the same work.
func aged(patients, doctors int) []seed.Options {
	present, past := people(small/2), people(patients-small/2)
	past.Until, past.Doctors = time.Now().UTC(), doctors
	past.Appointments = max(past.Appointments, 4*doctors) // hardly one without any
	return []seed.Options{present, past}
}

// growth measures what each work costs in a hospital that has grown, against a small one with the same staff and
// the same appointments of today: the small one's rate divided by its own.
func (s *site) growth(ctx context.Context, o options) (results []result, err error) {
	for _, patients := range o.growth {
		doctors := patients / 2000 // as many as the past of the grown one kept busy
		after, err := s.hospital(ctx, aged(patients, doctors)...)
		if err != nil {
			return nil, err
		}
		grown, err := after.everything(ctx)
		if err != nil {
			return nil, err
		}
		before, err := s.hospital(ctx, aged(small, doctors)...) // a fresh one: what was written into another is still to be folded into its figures
		if err != nil {
			return nil, err
		}
		works, err := before.everything(ctx)
		if err != nil {
			return nil, err
		}
		for n, w := range grown {
			r := result{work: fmt.Sprintf("%s, %s rows", w.name, inWords(after.rows)), unit: "requests/s, with " + inWords(before.rows) + " rows", goal: w.goal, atMost: true}
			if r, err = r.measured(o.rounds, w.rate(o.round), works[n].rate(o.round)); err != nil {
				return nil, err
			}
			r.ratio = 1 / r.ratio
			if w.goal == 0 {
				r.work += fmt.Sprintf(" (finds %d, not %d)", after.found, before.found)
			}
			results = append(results, r)
		}
	}
	return results, nil
}

// inWords writes a number of rows, rounded.
func inWords(rows int64) string {
	if rows < 1_000_000 {
		return fmt.Sprintf("%.0f thousand", float64(rows)/1e3)
	}
	return fmt.Sprintf("%.1f million", float64(rows)/1e6)
}

// rated is a work and its rate in a hospital. Without a goal the answer grows, too.
type rated struct {
	name string
	goal float64
	rate func(time.Duration) func() (float64, error)
}

// everything is what is measured of a hospital's growth.
func (h *hospital) everything(ctx context.Context) (all []rated, err error) {
	const connections, goal = 16, 1.25
	works, err := h.works(ctx, rareNames)
	if err != nil {
		return nil, err
	}
	writes := h.writes()
	day := h.day(works, writes)
	tomorrow := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	for _, path := range []string{
		"dashboard/", "dashboard-stats/", "report/patient_count/", "report/appointments_today/", "report/appointments_by_doctor/",
		"report/top_prescribed_medications/", "report/billing-stats/", "report/revenue/",
		fmt.Sprintf("appointments/availability/?doctor=%d&date=%s", h.doctor, tomorrow),
	} {
		name, _, _ := strings.Cut(path, "?")
		works = append(works, work{name: "/api/" + name, path: func() string { return "/api/" + path }})
	}
	read := func(w work) func(time.Duration) func() (float64, error) {
		return func(round time.Duration) func() (float64, error) {
			return func() (float64, error) { return h.rate(h.product, w, connections, round) }
		}
	}
	for _, w := range works {
		all = append(all, rated{w.name, goal, read(w)})
	}
	for _, w := range writes {
		all = append(all, rated{w.name, goal, func(round time.Duration) func() (float64, error) {
			return func() (float64, error) { return h.post(w, connections, round) }
		}})
	}
	all = append(all, rated{"mixed load", goal, func(round time.Duration) func() (float64, error) {
		return func() (float64, error) { return h.closedLoop("mixed load", connections, round, day) }
	}})
	common := searching("search by a common name", commonNames)
	return append(all, rated{common.name, 0, read(common)}), nil
}
