package scheduling_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/scheduling"
)

// problem is what FreeSlots is asked, without what is booked.
type problem struct {
	scheduling.Hours
	date   time.Time
	length time.Duration
	zone   *time.Location
}

// drawProblem draws a day near a change of clocks, often, and any hours.
func drawProblem(t *rapid.T) problem {
	p := problem{zone: drawZone(t)}
	p.date, _ = drawReading(t, p.zone)
	open := rapid.IntRange(0, 1438).Draw(t, "open")
	closes := rapid.IntRange(open+1, 1439).Draw(t, "close")
	p.Hours = scheduling.Hours{
		Open: scheduling.Clock(open * 60), Close: scheduling.Clock(closes * 60),
		Step: time.Duration(rapid.SampledFrom([]int{5, 15, 20, 30, 45, 60, 90}).Draw(t, "step")) * time.Minute,
	}
	p.length = p.Step
	if rapid.Bool().Draw(t, "another length") {
		p.length = time.Duration(rapid.IntRange(5, 120).Draw(t, "length")) * time.Minute
	}
	return p
}

func (p problem) free(busy []scheduling.Interval) []scheduling.Slot {
	return p.FreeSlots(p.date, p.length, p.zone, busy, time.Time{})
}

// drawBusy draws appointments of any length, in any order, around the date.
func (p problem) drawBusy(t *rapid.T) []scheduling.Interval {
	minutes := rapid.IntRange(-1000, 2500)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) scheduling.Interval {
		start := p.date.Add(time.Duration(minutes.Draw(t, "start")) * time.Minute)
		return scheduling.Interval{Start: start, End: start.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "lasts")) * time.Minute)}
	}), 0, 30).Draw(t, "busy")
}

func overlap(a, b scheduling.Interval) bool {
	return a.Start.Before(b.End) && b.Start.Before(a.End) && b.Start.Before(b.End)
}

// without returns the slots that overlap none of busy, looking at every pair.
func without(slots []scheduling.Slot, busy ...scheduling.Interval) []scheduling.Slot {
	var out []scheduling.Slot
	for _, s := range slots {
		clear := true
		for _, b := range busy {
			clear = clear && !overlap(s.Interval, b)
		}
		if clear {
			out = append(out, s)
		}
	}
	return out
}

func TestEverySlotIsGood(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		var last scheduling.Interval
		for _, s := range p.free(nil) {
			require.Equal(t, p.length, s.End.Sub(s.Start))
			require.True(t, p.Contains(s.Interval, p.zone))
			day, at := scheduling.Wall(s.Start, p.zone)
			require.Equal(t, p.date, day)
			require.Equal(t, day, s.Date)
			require.Equal(t, at, s.Time)
			require.Zero(t, (at-p.Open).SinceMidnight()%p.Step)
			require.True(t, s.Start.After(last.Start))
			require.False(t, p.length <= p.Step && overlap(last, s.Interval))
			last = s.Interval
		}
	})
}

func TestFreeIsWhatNothingOverlaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		busy := p.drawBusy(t)
		free := p.free(busy)
		require.Equal(t, without(p.free(nil), busy...), free)
		if len(free) == 0 {
			return
		}
		booked := rapid.SampledFrom(free).Draw(t, "booked").Interval
		require.Equal(t, without(free, booked), p.free(append(busy, booked)))
	})
}

func TestEveryBookingTakesOneSlot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		p.length = min(p.length, p.Step)
		all := p.free(nil)
		var booked []scheduling.Interval
		for _, s := range all {
			if rapid.Bool().Draw(t, "booked") {
				booked = append(booked, s.Interval)
			}
		}
		if len(booked) > 0 {
			booked = rapid.Permutation(booked).Draw(t, "order")
		}
		require.Equal(t, len(all), p.Capacity(p.date, p.length, p.zone))
		require.Len(t, p.free(booked), len(all)-len(booked))
	})
}

func TestNextFreeIsTheBeginningOfAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		busy := p.drawBusy(t)
		from := p.date.Add(time.Duration(rapid.IntRange(-1000, 1500).Draw(t, "from")) * time.Minute)
		n, days := rapid.IntRange(0, 40).Draw(t, "n"), rapid.IntRange(0, 5).Draw(t, "days")
		today, _ := scheduling.Wall(from, p.zone)
		var all []scheduling.Slot
		for i := range days {
			all = append(all, p.FreeSlots(today.AddDate(0, 0, i), p.length, p.zone, busy, from)...)
		}
		got := p.NextFree(from, n, days, p.length, p.zone, busy)
		require.Len(t, got, min(n, len(all)))
		for i, s := range got {
			require.Equal(t, all[i], s)
		}
	})
}

func BenchmarkNextFree(b *testing.B) {
	h, z := hours(b, "08:00-18:00", 30*time.Minute), zone(b, "Europe/Dublin")
	from := date(b, "2026-03-02")
	busy := make([]scheduling.Interval, 1000)
	for i := range busy {
		start := from.Add(time.Duration(i*7919%1000) * time.Hour)
		busy[i] = scheduling.Interval{Start: start, End: start.Add(time.Hour)}
	}
	for b.Loop() {
		h.NextFree(from, 5, 90, 30*time.Minute, z, busy)
	}
}
