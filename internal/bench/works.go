package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"chelal/gen/db"
)

// work is one kind of request. What it asks for is written on both servers alike.
type work struct {
	name string
	goal float64 // at least so many times the bare server's rate
	path func() string
	// script is the same for pgbench; none where the server puts the statement together for each request.
	script []string
}

// Parts of names to search for: some that up to one or two of a hundred have, and some that ten people have.
var (
	commonNames = []string{"kama", "otie", "smit", "okaf", "hass", "njer"}
	rareNames   = []string{"achter", "bieszc", "fitzgi", "quisli", "tchaik", "wickre"}
)

// works are what is measured, with parts of names to search for. The cursors of the middle and of the end are
// found by walking there.
func (h *hospital) works(ctx context.Context, names []string) ([]work, error) {
	cursors, err := h.cursors(ctx)
	if err != nil {
		return nil, err
	}
	page := func(cursor string) func() string {
		return func() string { return "/api/patients/?page_size=50&cursor=" + url.QueryEscape(cursor) }
	}
	return []work{
		{
			"one patient", 0.8, func() string { return fmt.Sprintf("/api/patients/%d/", 1+rand.IntN(h.patients)) },
			[]string{statement(db.PatientGet, ":patient", "NULL")},
		},
		{"first keyset page of 50", 1.2, page(""), []string{statement(db.PatientList) + " ORDER BY id LIMIT 51"}},
		{"middle keyset page of 50", 1.2, page(cursors[len(cursors)/2]), nil},
		{"last keyset page of 50", 1.2, page(cursors[len(cursors)-1]), nil},
		{"page=1 of 50 with count", 0.9, func() string { return "/api/patients/?page_size=50&page=1" }, nil},
		searching("search by part of a name", names),
	}, nil
}

// searching is the work of searching for one of the names.
func searching(name string, names []string) work {
	return work{name, 1.0, func() string {
		return "/api/patients/?page_size=50&page=1&search=" + url.QueryEscape(names[rand.IntN(len(names))])
	}, nil}
}

// cursors are those of every page of 200.
func (h *hospital) cursors(ctx context.Context) (all []string, err error) {
	for cursor := ""; ; {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.product+"/api/patients/?page_size=200&cursor="+url.QueryEscape(cursor), nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+h.token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		var page struct{ Next *string }
		err = json.NewDecoder(response.Body).Decode(&page)
		_ = response.Body.Close()
		if err != nil {
			return nil, err
		}
		if page.Next == nil {
			return all, nil
		}
		next, err := url.Parse(*page.Next)
		if err != nil {
			return nil, err
		}
		cursor = next.Query().Get("cursor")
		all = append(all, cursor)
	}
}

// result is what was measured of one work.
type result struct {
	work               string
	product, reference float64
	ratio, goal        float64 // without a goal it is 0
	unit               string
	atMost             bool // the goal is not to be exceeded
}

func (r result) judged() bool { return r.goal > 0 }

func (r result) met() bool {
	if r.atMost {
		return r.ratio <= r.goal
	}
	return r.ratio >= r.goal
}

// compare measures the server and the bare one.
func (h *hospital) compare(w work, connections uint64, o options) (result, error) {
	r := result{work: fmt.Sprintf("%s, %d connections", w.name, connections), unit: "requests/s", goal: w.goal}
	return r.measured(o.rounds,
		func() (float64, error) { return h.rate(h.product, w, connections, o.round) },
		func() (float64, error) { return h.rate(h.bare, w, connections, o.round) })
}

// compareStatement measures the server and pgbench, which runs the work's statement and nothing else.
func (h *hospital) compareStatement(ctx context.Context, w work, connections uint64, o options) (result, error) {
	r := result{work: fmt.Sprintf("%s, %d connections, pgbench", w.name, connections), unit: "requests/s, pgbench"}
	return r.measured(o.rounds,
		func() (float64, error) { return h.rate(h.product, w, connections, o.round) },
		func() (float64, error) { return h.runPgbench(ctx, w.script, connections, o.round) })
}

// measured answers the result with the medians of two rates, measured in turn in each round.
func (r result) measured(rounds int, product, reference func() (float64, error)) (result, error) {
	fmt.Fprintln(os.Stderr, r.work)
	var rates [2][]float64
	var ratios []float64
	for round := range rounds {
		for n := range rates {
			which := (n + round) % 2 // who comes first takes turns
			rate, err := []func() (float64, error){product, reference}[which]()
			if err != nil {
				return r, err
			}
			rates[which] = append(rates[which], rate)
		}
		ratios = append(ratios, rates[0][round]/rates[1][round])
	}
	r.product, r.reference, r.ratio = median(rates[0]), median(rates[1]), median(ratios)
	return r, nil
}

// rate is how many requests a second a closed loop of so many connections gets answered.
func (h *hospital) rate(server string, w work, connections uint64, round time.Duration) (float64, error) {
	return h.closedLoop(w.name, connections, round, func(t *vegeta.Target) error { return h.ask(server, w, t) })
}

func (h *hospital) ask(server string, w work, t *vegeta.Target) error {
	t.Method, t.URL, t.Header = http.MethodGet, server+w.path(), h.header()
	return nil
}

// header asks for answers that are not compressed: the bare server does not.
func (h *hospital) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + h.token}, "Accept-Encoding": {"identity"}}
}

// closedLoop answers how many requests a second are answered when each connection sends the next one
// as soon as the last was.
func (h *hospital) closedLoop(name string, connections uint64, round time.Duration, target vegeta.Targeter) (float64, error) {
	if err := h.signIn(); err != nil {
		return 0, err
	}
	m, err := attack(name, connections, vegeta.Rate{}, round, target)
	return m.Rate, err
}

// attack sends requests, as fast as they are answered or at a rate, and fails when one is.
func attack(name string, connections uint64, rate vegeta.Rate, round time.Duration, target vegeta.Targeter) (m vegeta.Metrics, err error) {
	attacker := vegeta.NewAttacker(vegeta.Workers(connections), vegeta.MaxWorkers(connections), vegeta.Connections(int(connections)),
		vegeta.MaxBody(0)) // answers are read and not kept
	for r := range attacker.Attack(target, rate, round, name) {
		m.Add(r)
	}
	m.Close()
	if m.Success < 1 {
		return m, fmt.Errorf("%s: answers that are no success: %v %v", name, m.StatusCodes, m.Errors)
	}
	return m, nil
}

// mixed is a day at the desk: of a hundred requests sixty read a record, twenty-five a list,
// and fifteen write. It finds how many a second there can be, sends 70 % of them at a constant
// rate, and answers the 99th percentile of how long one took, the median of the rounds.
func (h *hospital) mixed(works []work, writes []write, o options) (result, error) {
	fmt.Fprintln(os.Stderr, "mixed load")
	target := h.day(works, writes)
	const connections = 64
	most, err := h.closedLoop("mixed load", connections, 2*o.round, target)
	if err != nil {
		return result{}, err
	}
	rate := vegeta.Rate{Freq: int(0.7 * most), Per: time.Second}
	var percentiles []float64
	for range o.rounds {
		m, err := attack("mixed load", connections, rate, 2*o.round, target)
		if err != nil {
			return result{}, err
		}
		percentiles = append(percentiles, m.Latencies.P99.Seconds()*1000)
	}
	p99 := median(percentiles)
	return result{
		work: fmt.Sprintf("mixed load, %d requests/s of %.0f: 99th percentile", rate.Freq, most), unit: "ms",
		product: p99, ratio: p99, goal: 25, atMost: true,
	}, nil
}

// day targets the requests of the mixed load.
func (h *hospital) day(works []work, writes []write) vegeta.Targeter {
	return func(t *vegeta.Target) error {
		switch n := rand.IntN(100); {
		case n < 60:
			return h.ask(h.product, works[0], t)
		case n < 85:
			return h.ask(h.product, works[1+rand.IntN(len(works)-1)], t)
		default:
			return h.target(writes[rand.IntN(len(writes))], t)
		}
	}
}

// footprint is what the server costs beside.
func (h *hospital) footprint() []result {
	least := func(work, unit string, value, goal float64) result {
		return result{work: work, unit: unit, product: value, ratio: value, goal: goal, atMost: true}
	}
	return []result{
		least("start of serve on a migrated database", "s", h.started.Seconds(), 1),
		least("memory idle", "MB", h.idle, 64),
		least("memory after 64 connections", "MB", h.memory(), 150),
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
