// Package reporting divides a span of days into the periods of a report. A day is a date
// at midnight UTC.
package reporting

import "time"

// Period is what a row of a report stands for.
type Period string

// The periods. A week begins on Monday.
const (
	Day   Period = "day"
	Week  Period = "week"
	Month Period = "month"
)

// Span is the days from From up to and with To.
type Span struct{ From, To time.Time }

// Latest returns the span that a report shows when it is not asked for another: 30 days,
// 12 weeks or 12 months, of which the last has the day to in it.
func (p Period) Latest(to time.Time) Span {
	switch p {
	case Week:
		return Span{p.begin(to).AddDate(0, 0, -11*7), to}
	case Month:
		return Span{p.begin(to).AddDate(0, -11, 0), to}
	}
	return Span{to.AddDate(0, 0, -29), to}
}

// Allows reports whether a report may be as long as the span: 400 days by day, and ten
// years by week or month.
func (p Period) Allows(s Span) bool {
	end := s.From.AddDate(10, 0, 0)
	if p == Day {
		end = s.From.AddDate(0, 0, 400)
	}
	return s.To.Before(end)
}

// FirstDays returns the first day of each period of the span, in order. The first period
// begins with the span, though its week or month may have begun before.
func (p Period) FirstDays(s Span) []time.Time {
	var days []time.Time
	for day := s.From; !day.After(s.To); day = p.next(day) {
		days = append(days, day)
	}
	return days
}

// begin is the first day of the period that a day is in.
func (p Period) begin(day time.Time) time.Time {
	switch p {
	case Week:
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	case Month:
		return day.AddDate(0, 0, 1-day.Day())
	}
	return day
}

// next is the first day of the period after the one that a day is in.
func (p Period) next(day time.Time) time.Time {
	switch p {
	case Week:
		return p.begin(day).AddDate(0, 0, 7)
	case Month:
		return p.begin(day).AddDate(0, 1, 0)
	}
	return day.AddDate(0, 0, 1)
}
