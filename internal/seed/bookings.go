package seed

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// bookings walks through the calendar in order of time and gives each doctor's slot
// away at most once and each patient at most one slot a day.
type bookings struct {
	*seeding
	dice
	people  population
	doctors []int64
	days    []day // the rest of the calendar, the current day first
	slot    int   // of all the doctors' slots of the day, the next one to look at
	busy    map[int64]bool
	row     []any
}

// open begins the first day of the rest.
func (b *bookings) open() {
	b.slot = 0
	clear(b.busy)
	for _, patient := range b.days[0].engaged {
		b.busy[patient] = true
	}
}

// next returns the next appointment. The calendar must not be through.
func (b *bookings) next() []any {
	for b.days[0].count == 0 {
		b.days = b.days[1:]
		b.open()
	}
	current := &b.days[0]
	b.seek(current.count)
	slot, doctor := b.slot/len(b.doctors), b.doctors[b.slot%len(b.doctors)]
	b.slot++
	current.count--
	patient := b.people.choose(b.dice, current.patients, b.busy)
	b.busy[b.people.ids[patient]] = true

	sinceMidnight := 8*time.Hour + time.Duration(slot)*slotLength
	a := b.appointment(current.date, sinceMidnight, time.Unix(b.people.since[patient], 0))
	b.row[0], b.row[1] = b.people.ids[patient], doctor
	b.row[2], b.row[3] = current.date, pgtype.Time{Microseconds: sinceMidnight.Microseconds(), Valid: true}
	b.row[4], b.row[5] = a.at, a.at.Add(slotLength)
	b.row[6], b.row[7] = a.status, a.notes
	b.row[8], b.row[9] = a.created, a.updated
	return b.row
}

// seek goes to a slot such that each set of slots is as likely as any other, when
// so many of the rest are wanted.
func (b *bookings) seek(wanted int) {
	for all := len(b.doctors) * slotCount; b.IntN(all-b.slot) >= wanted; {
		b.slot++
	}
}

// appointment is what does not depend on who meets whom.
type appointment struct {
	at               time.Time
	status, notes    string
	created, updated time.Time
}

func (b *bookings) appointment(date time.Time, sinceMidnight time.Duration, since time.Time) appointment {
	at := b.clock(date, sinceMidnight)
	a := appointment{at: at, status: b.status(date, sinceMidnight)}
	a.notes = b.notes(a.status)
	a.created = b.booked(date, at, since)
	a.updated = b.changed(a, at)
	return a
}

// booked is when the appointment was made: on an earlier day, or in the same morning; and
// one that is still to come, before today.
func (b *bookings) booked(date, at, since time.Time) time.Time {
	const sameDay = 0.2
	opening := b.clock(date, 7*time.Hour)
	created := b.moment(opening, at)
	if !b.chance(sameDay) {
		u := b.Float64()
		created = b.moment(opening, b.clock(date, 18*time.Hour)).AddDate(0, 0, -1-int(35*u*u))
	}
	if !created.Before(b.midnight) {
		u := b.Float64()
		day := b.today.AddDate(0, 0, -1-int(daysAhead*u*u))
		created = b.moment(b.clock(day, 8*time.Hour), b.clock(day, 18*time.Hour))
	}
	if created.Before(since) {
		created = since.Add(5 * time.Minute)
	}
	return created
}
