package scheduling_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests need zones on machines without them, too

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/scheduling"
)

func zone(t require.TestingT, name string) *time.Location {
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func date(t require.TestingT, text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	require.NoError(t, err)
	return d
}

func moment(t require.TestingT, text string) time.Time {
	m, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return m.UTC()
}

func TestInstant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, date, at, want, why string }{
		{"Africa/Nairobi", "2026-03-29", "02:30", "2026-03-29T02:30:00+03:00", "no changes"},
		{"UTC", "2026-03-29", "23:59:59", "2026-03-29T23:59:59Z", "no zone"},
		{"Asia/Kathmandu", "2026-06-01", "09:15", "2026-06-01T09:15:00+05:45", "quarter hours"},
		{"Asia/Kathmandu", "1986-01-01", "00:15", "1986-01-01T00:15:00+05:45", "the first moment after a gap"},
		{"Europe/Berlin", "2026-03-29", "01:59:59", "2026-03-29T01:59:59+01:00", "before a gap"},
		{"Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T03:00:00+02:00", "after a gap"},
		{"Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T02:30:00+02:00", "a repeat"},
		{"Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T03:00:00+01:00", "after a repeat"},
		{"Europe/Dublin", "2026-10-25", "01:30", "2026-10-25T01:30:00+01:00", "summer is the standard time"},
		{"America/New_York", "2026-11-01", "01:00", "2026-11-01T01:00:00-04:00", "west of Greenwich"},
		{"America/St_Johns", "2010-11-07", "00:00:59", "2010-11-07T00:00:59-02:30", "a minute before a change"},
		{"America/St_Johns", "2010-11-06", "23:30", "2010-11-06T23:30:00-02:30", "a repeat over midnight"},
		{"America/St_Johns", "2010-11-07", "00:01", "2010-11-07T00:01:00-03:30", "after it"},
		{"Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-05T01:45:00+11:00", "half an hour twice"},
		{"Australia/Lord_Howe", "2026-10-04", "02:30", "2026-10-04T02:30:00+11:00", "after half an hour's gap"},
		{"America/Sao_Paulo", "2018-11-04", "01:00", "2018-11-04T01:00:00-02:00", "the day's first hour is missing"},
		{"America/Sao_Paulo", "2018-02-17", "23:30", "2018-02-17T23:30:00-02:00", "the day's last hour is shown twice"},
		{"Pacific/Apia", "2011-12-29", "23:59", "2011-12-29T23:59:00-10:00", "before a missing day"},
		{"Pacific/Apia", "2011-12-31", "00:00", "2011-12-31T00:00:00+14:00", "after a missing day"},
		{"America/Juneau", "1867-10-18", "16:00", "1867-10-18T00:57:41Z", "a day shown twice"},
		{"Africa/Casablanca", "2026-02-15", "02:30", "2026-02-15T02:30:00+01:00", "a change for Ramadan"},
		{"Antarctica/Troll", "2026-10-25", "01:30", "2026-10-25T01:30:00+02:00", "two hours twice"},
		{"America/New_York", "2028-12-31", "12:00", "2028-12-31T12:00:00-05:00", "day 366, by a zone's rule"},
		{"Australia/Sydney", "2040-12-31", "23:30", "2040-12-31T23:30:00+11:00", "the same in summer"},
	} {
		got, ok := scheduling.Instant(date(t, c.date), clock(t, c.at), zone(t, c.zone))
		require.True(t, ok, c.why)
		require.Equal(t, moment(t, c.want), got, c.why)
		require.Equal(t, got, scheduling.Shifted(date(t, c.date), clock(t, c.at), zone(t, c.zone)), c.why)
	}
}

func TestGap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, date, at, shifted string }{
		{"Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T03:00:00+02:00"},
		{"Europe/Berlin", "2026-03-29", "02:59:59", "2026-03-29T03:59:59+02:00"},
		{"Europe/Berlin", "2060-03-28", "02:30", "2060-03-28T03:30:00+02:00"},
		{"Europe/Dublin", "2026-03-29", "01:30", "2026-03-29T02:30:00+01:00"},
		{"America/New_York", "2026-03-08", "02:30", "2026-03-08T03:30:00-04:00"},
		{"America/St_Johns", "2011-03-13", "00:01", "2011-03-13T01:01:00-02:30"},
		{"Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-04T02:45:00+11:00"},
		{"America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T01:00:00-02:00"},
		{"Pacific/Apia", "2011-12-30", "00:00", "2011-12-31T00:00:00+14:00"},
		{"Pacific/Apia", "2011-12-30", "23:59:59", "2011-12-31T23:59:59+14:00"},
		{"Africa/Casablanca", "2026-03-22", "02:30", "2026-03-22T03:30:00+01:00"},
		{"Antarctica/Troll", "2026-03-29", "01:30", "2026-03-29T03:30:00+02:00"},
		{"Asia/Kathmandu", "1986-01-01", "00:14:59", "1986-01-01T00:29:59+05:45"},
	} {
		_, ok := scheduling.Instant(date(t, c.date), clock(t, c.at), zone(t, c.zone))
		require.False(t, ok, c)
		got := scheduling.Shifted(date(t, c.date), clock(t, c.at), zone(t, c.zone))
		require.Equal(t, moment(t, c.shifted), got, c)
	}
}

func TestOnlyTheDateCounts(t *testing.T) {
	t.Parallel()
	late := time.Date(2026, 3, 1, 23, 30, 0, 0, zone(t, "America/New_York"))
	got, ok := scheduling.Instant(late, clock(t, "09:00"), zone(t, "Africa/Nairobi"))
	require.True(t, ok)
	require.Equal(t, moment(t, "2026-03-01T09:00:00+03:00"), got)
}

var zones = []string{
	"Africa/Casablanca", "Africa/Monrovia", "Africa/Nairobi", "America/Juneau", "America/New_York", "America/Sao_Paulo",
	"America/St_Johns", "Antarctica/Troll", "Asia/Kathmandu", "Asia/Manila", "Asia/Tehran", "Australia/Lord_Howe",
	"Europe/Dublin", "Europe/Lisbon", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kwajalein", "UTC",
}

// drawZone and drawReading favour the neighbourhood of changes, where the mistakes are.
func drawZone(t *rapid.T) *time.Location {
	return zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
}

func drawReading(t *rapid.T, z *time.Location) (time.Time, scheduling.Clock) {
	years := rapid.Int64Range(time.Date(1840, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(2140, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	near := time.Unix(years.Draw(t, "second"), 0).UTC()
	if _, end := near.In(z).ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(t, "at a change") {
		minutes := rapid.IntRange(-200, 200).Draw(t, "minutes from it")
		near = end.Add(time.Duration(minutes) * time.Minute)
	}
	return scheduling.Wall(near.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "hours"))*time.Hour), z)
}

// showing returns every moment at which the zone's wall clock shows the reading, found
// by trying all distances from UTC which the zone has around the day.
func showing(day time.Time, at scheduling.Clock, z *time.Location) map[time.Time]bool {
	reading := day.Add(at.SinceMidnight())
	moments := map[time.Time]bool{}
	for probe := day.AddDate(0, 0, -1); probe.Before(day.AddDate(0, 0, 3)); probe = probe.Add(15 * time.Minute) {
		_, offset := probe.In(z).Zone()
		m := reading.Add(-time.Duration(offset) * time.Second)
		if m.In(z).Format(time.DateTime) == reading.Format(time.DateTime) {
			moments[m] = true
		}
	}
	return moments
}

func TestInstantIsTheFirstOfAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z := drawZone(t)
		day, at := drawReading(t, z)
		if rapid.Bool().Draw(t, "any time") {
			at = scheduling.Clock(rapid.IntRange(0, 86_399).Draw(t, "time"))
		}
		moments := showing(day, at, z)
		got, ok := scheduling.Instant(day, at, z)
		require.Equal(t, len(moments) > 0, ok)
		if !ok {
			checkShift(t, day, at, z)
			return
		}
		require.True(t, moments[got])
		for m := range moments {
			require.False(t, m.Before(got), "%s is earlier than %s", m, got)
		}
		shownDay, shownAt := scheduling.Wall(got, z)
		require.Equal(t, day, shownDay)
		require.Equal(t, at, shownAt)
	})
}

// checkShift requires that a reading in a gap moves by the length of the gap, which is
// how much the moments just before and after it lie apart on the wall.
func checkShift(t *rapid.T, day time.Time, at scheduling.Clock, z *time.Location) {
	shiftedDay, shiftedAt := scheduling.Wall(scheduling.Shifted(day, at, z), z)
	moved := shiftedDay.Add(shiftedAt.SinceMidnight()).Sub(day.Add(at.SinceMidnight()))
	require.Positive(t, moved)
	for _, c := range []struct {
		by   time.Duration
		show bool
	}{{-moved, true}, {moved, true}, {0, false}} {
		reading := day.Add(at.SinceMidnight()).Add(c.by)
		otherDay, otherAt := scheduling.Wall(reading, time.UTC)
		require.Equal(t, c.show, len(showing(otherDay, otherAt, z)) > 0, "%s after %s", reading, c.by)
	}
}
