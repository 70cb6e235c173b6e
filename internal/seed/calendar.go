package seed

import (
	"slices"
	"time"
)

// The calendar's limits, in days from today, and the half hours from 8:00 to 17:00.
const (
	daysBack  = 560
	daysAhead = 84
	slotCount = 18

	slotLength = 30 * time.Minute // the table's default duration_minutes
)

// day is one on which the hospital sees patients by appointment.
type day struct {
	date     time.Time
	begin    time.Time
	weight   float64 // how much of the work falls on it
	engaged  []int64 // patients with an appointment already
	patients int     // how many may come, from the population's first
	room     int     // how many appointments fit
	count    int     // how many it gets
}

// workingDays are the weekdays around today and every other Saturday, as far as there may be
// appointments.
func (s *seeding) workingDays() (days []day) {
	for n := -daysBack; n <= daysAhead; n++ {
		date := s.today.AddDate(0, 0, n)
		if !s.Until.IsZero() && !date.Before(dateOf(s.Until)) {
			break
		}
		_, week := date.ISOWeek()
		weight := 1.0
		switch date.Weekday() {
		case time.Sunday:
			continue
		case time.Saturday:
			if weight = 0.5; week%2 == 0 {
				continue
			}
		case time.Monday:
			weight = 1.15
		}
		if n > 0 {
			weight *= 1 - 0.6*float64(n)/daysAhead
		}
		days = append(days, day{date: date, begin: s.clock(date, 0), weight: weight})
	}
	return days
}

// around keeps so many days, most of them before today, that the appointments fill
// half of their room: a small hospital's calendar is short, not empty.
func around(days []day, today time.Time, appointments int) []day {
	now := slices.IndexFunc(days, func(d day) bool { return !d.date.Before(today) })
	if now < 0 {
		now = len(days)
	}
	for length := 16; length < len(days); length *= 2 {
		from := max(0, now+max(6, length/8)-length)
		window := days[from:min(from+length, len(days))]
		if roomIn(window) >= 2*appointments {
			return window
		}
	}
	return days
}

func roomIn(days []day) (room int) {
	for _, d := range days {
		room += d.room
	}
	return room
}

// spread shares the appointments out by weight and gives what does not fit on one
// day to the others. Together the days must have room.
func spread(d dice, days []day, appointments int) {
	for i := range days {
		days[i].weight *= 0.9 + 0.2*d.Float64()
	}
	order := d.Perm(len(days))
	for left := appointments; left > 0; {
		sum := 0.0
		for _, day := range days {
			if day.count < day.room {
				sum += day.weight
			}
		}
		share := float64(left) / sum
		for _, i := range order {
			n := min(left, days[i].room-days[i].count, max(1, int(days[i].weight*share)))
			days[i].count += n
			left -= n
		}
	}
}
