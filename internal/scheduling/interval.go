package scheduling

import (
	"slices"
	"time"
)

// Interval is the time from Start until End, without End itself.
type Interval struct{ Start, End time.Time }

// merged are intervals in order, none of which is empty, overlaps or touches another.
type merged []Interval

// merge returns the times that any of the intervals takes.
func merge(intervals []Interval) merged {
	ordered := slices.Clone(intervals)
	slices.SortFunc(ordered, func(a, b Interval) int { return a.Start.Compare(b.Start) })
	var m merged
	for _, i := range ordered {
		last := len(m) - 1
		switch {
		case !i.End.After(i.Start):
			continue
		case last >= 0 && !i.Start.After(m[last].End):
			m[last].End = latest(m[last].End, i.End)
		default:
			m = append(m, i)
		}
	}
	return m
}

// overlap reports whether any of the intervals overlaps i.
func (m merged) overlap(i Interval) bool {
	// The first that ends after i starts is the only one that needs a look.
	n, _ := slices.BinarySearchFunc(m, i.Start, func(have Interval, start time.Time) int {
		if have.End.After(start) {
			return 1
		}
		return -1
	})
	return n < len(m) && m[n].Start.Before(i.End)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
