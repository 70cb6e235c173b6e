package scheduling

import "time"

// Slot is a time at which an appointment may start: as the hospital's wall shows it,
// and as the interval that the appointment would take, in UTC. Date is midnight UTC.
type Slot struct {
	Date time.Time
	Time Clock
	Interval
}

// FreeSlots returns the slots of the date's grid, in order, which have the length, lie
// within the hours, start at from or later and overlap none of busy, which may be in
// any order. A time that the clocks are set forward over is no slot; one that is shown
// twice is a slot once, when it is shown first.
//
// Slots that are not longer than the hours' Step never overlap one another. Longer ones
// do: each is free by itself, and booking it takes the ones that it overlaps.
func (h Hours) FreeSlots(date time.Time, length time.Duration, zone *time.Location, busy []Interval, from time.Time) []Slot {
	return h.free(date, length, zone, merge(busy), from)
}

// NextFree returns at most n free slots that start at from or later, as FreeSlots finds
// them on from's day and the days after it, days in all.
func (h Hours) NextFree(from time.Time, n, days int, length time.Duration, zone *time.Location, busy []Interval) []Slot {
	var found []Slot
	taken := merge(busy)
	today, _ := Wall(from, zone)
	for i := 0; i < days && len(found) < n; i++ {
		found = append(found, h.free(today.AddDate(0, 0, i), length, zone, taken, from)...)
	}
	return found[:max(0, min(n, len(found)))]
}

// Capacity returns the number of slots of the length which the date has when nothing
// is booked.
func (h Hours) Capacity(date time.Time, length time.Duration, zone *time.Location) int {
	return len(h.FreeSlots(date, length, zone, nil, time.Time{}))
}

func (h Hours) free(date time.Time, length time.Duration, zone *time.Location, taken merged, from time.Time) []Slot {
	var slots []Slot
	for _, s := range h.grid(midnight(date), length, zone) {
		if !s.Start.Before(from) && !taken.overlap(s.Interval) {
			slots = append(slots, s)
		}
	}
	return slots
}

// grid returns the date's slots, free or not.
func (h Hours) grid(date time.Time, length time.Duration, zone *time.Location) []Slot {
	var slots []Slot
	var last Interval
	step := Clock(min(h.Step, day) / time.Second)
	closes := reached(date, h.Close, zone)
	for at := h.Open; at < h.Close && step > 0 && length > 0; at += step {
		start, ok := Instant(date, at, zone)
		next := Interval{start, start.Add(length)}
		if ok && !next.End.After(closes) && !h.crowds(last, next) {
			slots = append(slots, Slot{Date: date, Time: at, Interval: next})
			last = next
		}
	}
	return slots
}

// crowds reports whether next starts before last has ended although their length fits
// the grid: clocks set forward between two slots bring them closer together.
func (h Hours) crowds(last, next Interval) bool {
	return last.End.Sub(last.Start) <= h.Step && next.Start.Before(last.End)
}
