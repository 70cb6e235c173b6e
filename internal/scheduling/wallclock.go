package scheduling

import (
	"iter"
	"time"
)

// day is also more than any zone has ever been away from UTC.
const day = 24 * time.Hour

// Instant returns the moment, in UTC, at which the wall clock of zone shows the time
// of day on the date, of which only year, month and day count. When the clocks are
// set back and it is shown twice, that is the first moment; when they are set forward
// over it and it is not shown at all, ok is false.
func Instant(date time.Time, at Clock, zone *time.Location) (t time.Time, ok bool) {
	wall := reading(date, at)
	for p := range periods(wall, zone) {
		if t := wall.Add(-p.offset); !t.Before(p.Start) && t.Before(p.End) {
			return t, true
		}
	}
	return time.Time{}, false
}

// Shifted is Instant, but a time that the clocks are set forward over is moved forward
// as far as they are. It is for appointments that exist already when the hospital's
// zone changes.
func Shifted(date time.Time, at Clock, zone *time.Location) time.Time {
	if t, ok := Instant(date, at, zone); ok {
		return t
	}
	// Moving the time by the gap is the same as reading it by the clock before the gap.
	change := reached(date, at, zone)
	return reading(date, at).Add(-offset(change.Add(-1), zone))
}

// Wall returns the date, as midnight UTC, and the time of day that the wall clock of
// zone shows at t. Fractions of a second are cut off.
func Wall(t time.Time, zone *time.Location) (date time.Time, at Clock) {
	t = t.In(zone)
	hour, minute, second := t.Clock()
	return midnight(t), Clock(hour*3600 + minute*60 + second)
}

// reached returns the first moment at which the wall clock of zone shows the time of
// day on the date or a later one. It is the moment of the change for a time that the
// clocks are set forward over.
func reached(date time.Time, at Clock, zone *time.Location) time.Time {
	var t time.Time
	wall := reading(date, at)
	for p := range periods(wall, zone) {
		if t = latest(wall.Add(-p.offset), p.Start); t.Before(p.End) {
			break
		}
	}
	return t
}

// period is a time during which a zone's distance from UTC stays the same.
type period struct {
	Interval
	offset time.Duration
}

// periods yields, in order and without holes, the periods of zone in which its wall
// clock could show a reading.
func periods(reading time.Time, zone *time.Location) iter.Seq[period] {
	return func(yield func(period) bool) {
		end := reading.Add(day)
		for start := reading.Add(-day); start.Before(end); {
			p := period{Interval{start, periodEnd(start, zone, end)}, offset(start, zone)}
			if !yield(p) {
				return
			}
			start = p.End
		}
	}
}

// periodEnd returns the end of the period of zone which t is in, or most if that is
// earlier.
func periodEnd(t time.Time, zone *time.Location, most time.Time) time.Time {
	_, end := t.In(zone).ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		// Where ZoneBounds follows a zone's rule for future years, it lets each year
		// have 365 days, so on the last day of a leap year the end is in the past.
		end = t.Truncate(day).Add(day)
	}
	if end.IsZero() || end.After(most) {
		return most
	}
	return end.UTC()
}

func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// reading is what a wall clock shows, written as if the wall were in UTC.
func reading(date time.Time, at Clock) time.Time { return midnight(date).Add(at.SinceMidnight()) }

// midnight is the date of t at midnight UTC.
func midnight(t time.Time) time.Time {
	year, month, d := t.Date()
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
