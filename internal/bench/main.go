// Command bench measures the server against the least that could answer the same: a bare handler
// that runs the same SQL and encoding/json on the same database, without sign-in,
// permissions, validation or audit. Both run as processes, one after the other in each round, so that what
// counts is their ratio and not the machine. `task bench:quick` and `task bench` run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// options say how thoroughly to measure.
type options struct {
	patients int
	growth   sizes
	rounds   int
	round    time.Duration
	out      string
	record   string
	pgo      string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "bare" {
		fail(serveBare(context.Background(), os.Getenv("DATABASE_URL")))
		return
	}
	var o options
	flag.IntVar(&o.patients, "patients", 100_000, "how many patients the database holds")
	flag.Var(&o.growth, "growth", "to how many patients a hospital of 500 grows, such as 50000,500000, which is about 1 and 10 million rows; empty: not measured")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each work is measured; the median counts")
	flag.DurationVar(&o.round, "round", 3*time.Second, "how long each time")
	flag.StringVar(&o.out, "out", "", "the folder that gets results.csv and results.svg; empty: none")
	flag.StringVar(&o.pgo, "pgo", "off", "the profile that the program is built with, as images are")
	flag.StringVar(&o.record, "record", "", "measure nothing: the file that gets a profile of the mixed load, of which the compiler makes a faster program")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "Measures the server against a bare handler with the same SQL, on a database of its own. About half an hour as task bench runs it.")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fail(measure(ctx, o))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, o options) error {
	site, err := open(ctx, o.pgo)
	if err != nil {
		return err
	}
	defer site.close()
	h, err := site.hospital(ctx, people(o.patients))
	if err != nil {
		return err
	}
	if o.record != "" {
		return h.record(ctx, o)
	}
	if err := h.serveBare(ctx); err != nil {
		return err
	}
	works, err := h.works(ctx, commonNames)
	if err != nil {
		return err
	}
	writes := h.writes()
	results, err := h.compareAll(ctx, works, writes, o)
	if err != nil {
		return err
	}
	day, err := h.mixed(works, writes, o)
	if err != nil {
		return err
	}
	results = append(append(results, day), h.footprint()...)
	grown, err := site.growth(ctx, o)
	if err != nil {
		return err
	}
	results = append(results, grown...)
	return report(results, o.out)
}

// compareAll measures each work against the bare server, and against pgbench where that is installed.
func (h *hospital) compareAll(ctx context.Context, works []work, writes []write, o options) ([]result, error) {
	var comparisons []func() (result, error)
	loops := []uint64{16, 64}
	for _, w := range works {
		for _, connections := range loops {
			comparisons = append(comparisons, func() (result, error) { return h.compare(w, connections, o) })
		}
		if w.script != nil && h.pgbench != "" {
			comparisons = append(comparisons, func() (result, error) { return h.compareStatement(ctx, w, loops[0], o) })
		}
	}
	for _, w := range writes {
		for _, connections := range loops {
			if h.pgbench != "" {
				comparisons = append(comparisons, func() (result, error) { return h.compareWrite(ctx, w, connections, o) })
			}
		}
	}
	var results []result
	for _, compare := range comparisons {
		r, err := compare()
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}
