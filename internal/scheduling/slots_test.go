package scheduling_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/scheduling"
)

// starts writes the times of slots as "08:00 08:30".
func starts(slots []scheduling.Slot) string {
	var times []string
	for _, s := range slots {
		times = append(times, s.Time.String()[:5])
	}
	return strings.Join(times, " ")
}

func interval(t require.TestingT, start, end string) scheduling.Interval {
	return scheduling.Interval{Start: moment(t, start), End: moment(t, end)}
}

func TestFreeSlots(t *testing.T) {
	t.Parallel()
	nairobi, day := zone(t, "Africa/Nairobi"), date(t, "2026-03-02")
	h := hours(t, "08:00-10:00", 30*time.Minute)
	half := interval(t, "2026-03-02T08:30:00+03:00", "2026-03-02T09:00:00+03:00")
	late := interval(t, "2026-03-02T09:50:00+03:00", "2026-03-09T09:00:00+03:00")
	long := interval(t, "2026-03-01T00:00:00+03:00", "2026-03-05T00:00:00+03:00")
	before := interval(t, "2026-03-01T08:00:00+03:00", "2026-03-02T08:00:00+03:00")
	empty := interval(t, "2026-03-02T09:15:00+03:00", "2026-03-02T09:15:00+03:00")
	for name, c := range map[string]struct {
		minutes int
		busy    []scheduling.Interval
		from    string
		want    string
	}{
		"nothing booked":          {30, nil, "08:00", "08:00 08:30 09:00 09:30"},
		"not from the past":       {30, nil, "08:01", "08:30 09:00 09:30"},
		"from exactly then":       {30, nil, "09:30", "09:30"},
		"after the last":          {30, nil, "09:31", ""},
		"one booked":              {30, []scheduling.Interval{half}, "08:00", "08:00 09:00 09:30"},
		"not in order":            {30, []scheduling.Interval{late, half}, "08:00", "08:00 09:00"},
		"the whole day":           {30, []scheduling.Interval{half, long}, "08:00", ""},
		"ends where a slot opens": {30, []scheduling.Interval{before}, "08:00", "08:00 08:30 09:00 09:30"},
		"empty":                   {30, []scheduling.Interval{empty}, "08:00", "08:00 08:30 09:00 09:30"},
		"shorter than the step":   {20, []scheduling.Interval{late}, "08:00", "08:00 08:30 09:00 09:30"},
		"longer than the step":    {60, nil, "08:00", "08:00 08:30 09:00"},
		"longer, one booked":      {60, []scheduling.Interval{half}, "08:00", "09:00"},
		"as long as the day":      {120, nil, "08:00", "08:00"},
		"longer than the day":     {121, nil, "08:00", ""},
		"no length":               {0, nil, "08:00", ""},
		"less than no length":     {-30, nil, "08:00", ""},
	} {
		from, _ := scheduling.Instant(day, clock(t, c.from), nairobi)
		got := h.FreeSlots(day, time.Duration(c.minutes)*time.Minute, nairobi, c.busy, from)
		require.Equal(t, c.want, starts(got), name)
	}
}

func TestSlot(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 3, 2, 23, 0, 0, 0, zone(t, "America/New_York"))
	got := hours(t, "08:00-10:00", 90*time.Minute).FreeSlots(day, time.Hour, zone(t, "Africa/Nairobi"), nil, time.Time{})
	require.Equal(t, []scheduling.Slot{{
		Date: date(t, "2026-03-02"), Time: clock(t, "08:00"),
		Interval: interval(t, "2026-03-02T05:00:00Z", "2026-03-02T06:00:00Z"),
	}}, got)
}

func TestSlotsWhenClocksChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone, date, hours string
		step, length      int
		want              string
	}{
		"gap":                     {"Europe/Berlin", "2026-03-29", "01:00-04:00", 30, 30, "01:00 01:30 03:00 03:30"},
		"over a gap":              {"Europe/Berlin", "2026-03-29", "01:00-04:00", 60, 60, "01:00 03:00"},
		"too close after a gap":   {"Europe/Berlin", "2026-03-29", "00:00-05:00", 45, 45, "00:00 00:45 01:30 03:45"},
		"long ones may overlap":   {"Europe/Berlin", "2026-03-29", "00:00-05:00", 45, 60, "00:00 00:45 01:30 03:00 03:45"},
		"short ones fit":          {"Europe/Berlin", "2026-03-29", "00:00-05:00", 45, 30, "00:00 00:45 01:30 03:00 03:45 04:30"},
		"opens in a gap":          {"Europe/Berlin", "2026-03-29", "02:30-04:00", 30, 30, "03:00 03:30"},
		"closes in a gap":         {"Europe/Berlin", "2026-03-29", "01:00-02:30", 30, 30, "01:00 01:30"},
		"closed by a gap":         {"Europe/Berlin", "2026-03-29", "01:00-02:30", 30, 60, "01:00"},
		"less time before Close":  {"Europe/Berlin", "2026-03-29", "01:00-03:30", 30, 60, "01:00 01:30"},
		"repeat":                  {"Europe/Berlin", "2026-10-25", "01:00-04:00", 30, 30, "01:00 01:30 02:00 02:30 03:00 03:30"},
		"more time before Close":  {"Europe/Berlin", "2026-10-25", "01:00-03:30", 30, 90, "01:00 01:30 02:00 02:30"},
		"closes in a repeat":      {"Europe/Berlin", "2026-10-25", "01:00-02:30", 30, 60, "01:00 01:30"},
		"half an hour's gap":      {"Australia/Lord_Howe", "2026-10-04", "01:00-04:00", 30, 30, "01:00 01:30 02:30 03:00 03:30"},
		"an hour over half a gap": {"Australia/Lord_Howe", "2026-10-04", "01:30-04:30", 60, 60, "01:30 03:30"},
		"midnight's gap":          {"America/Sao_Paulo", "2018-11-04", "00:00-02:00", 30, 30, "01:00 01:30"},
		"a missing day":           {"Pacific/Apia", "2011-12-30", "08:00-18:00", 30, 30, ""},
		"after it":                {"Pacific/Apia", "2011-12-31", "08:00-09:00", 30, 30, "08:00 08:30"},
		"day 366":                 {"America/New_York", "2028-12-31", "08:00-09:00", 30, 30, "08:00 08:30"},
	} {
		h, length := hours(t, c.hours, time.Duration(c.step)*time.Minute), time.Duration(c.length)*time.Minute
		got := h.FreeSlots(date(t, c.date), length, zone(t, c.zone), nil, time.Time{})
		require.Equal(t, c.want, starts(got), name)
		require.Equal(t, len(got), h.Capacity(date(t, c.date), length, zone(t, c.zone)), name)
	}
}

func TestNextFree(t *testing.T) {
	t.Parallel()
	h, z := hours(t, "08:00-09:00", 30*time.Minute), zone(t, "Pacific/Apia")
	from := moment(t, "2011-12-29T08:10:00-10:00")
	busy := []scheduling.Interval{interval(t, "2011-12-31T08:00:00+14:00", "2011-12-31T08:30:00+14:00")}
	for _, c := range []struct {
		n, days int
		want    string
	}{
		{4, 4, "08:30 08:30 08:00 08:30"}, // the 29th, not the 30th, which is missing, the 31st, the 1st
		{3, 4, "08:30 08:30 08:00"},
		{9, 3, "08:30 08:30"},
		{9, 1, "08:30"},
		{9, 0, ""},
		{0, 9, ""},
		{-1, -1, ""},
	} {
		require.Equal(t, c.want, starts(h.NextFree(from, c.n, c.days, 30*time.Minute, z, busy)), c)
	}
}

func TestHoursWithoutAGrid(t *testing.T) {
	t.Parallel()
	for _, h := range []scheduling.Hours{
		{}, hours(t, "08:00-18:00", 0), hours(t, "08:00-18:00", -time.Hour), hours(t, "18:00-08:00", time.Hour),
		hours(t, "08:00-18:00", time.Millisecond),
	} {
		require.Zero(t, h.Capacity(date(t, "2026-03-02"), time.Minute, time.UTC), h)
	}
	h := hours(t, "08:00-18:00", (1<<32+60)*time.Second) // 60 seconds in the bits of a Clock
	require.Equal(t, 1, h.Capacity(date(t, "2026-03-02"), time.Minute, time.UTC))
}
