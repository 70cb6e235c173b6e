package scheduling_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/scheduling"
)

// hours are working hours such as "08:00-18:00".
func hours(t require.TestingT, text string, step time.Duration) scheduling.Hours {
	return scheduling.Hours{Open: clock(t, text[:5]), Close: clock(t, text[6:]), Step: step}
}

func TestParseHours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		open, close, minutes string
		want                 string
		step                 int
		problems             []string
	}{
		{"08:00", "18:00", "30", "08:00-18:00", 30, nil},
		{"00:00", "23:59", "1440", "00:00-23:59", 1440, nil},
		{"07:15:00", "07:16", "1", "07:15-07:16", 1, nil},
		{"", "", "", "08:00-18:00", 30, []string{"working_hours_start", "working_hours_end", "appointment_duration"}},
		{"nine", "17:00", "20", "08:00-17:00", 20, []string{"working_hours_start"}},
		{"09:00", "24:00", "20", "09:00-18:00", 20, []string{"working_hours_end"}},
		{"09:00", "09:00", "20", "08:00-18:00", 20, []string{"working_hours_end"}},
		{"20:00", "late", "20", "08:00-18:00", 20, []string{"working_hours_end"}},
		{"09:00", "17:00", "0", "09:00-17:00", 30, []string{"appointment_duration"}},
		{"09:00", "17:00", "1441", "09:00-17:00", 30, []string{"appointment_duration"}},
		{"09:00", "17:00", "-5", "09:00-17:00", 30, []string{"appointment_duration"}},
		{"09:00", "17:00", "15.5", "09:00-17:00", 30, []string{"appointment_duration"}},
	} {
		got, err := scheduling.ParseHours(c.open, c.close, c.minutes)
		require.Equal(t, hours(t, c.want, time.Duration(c.step)*time.Minute), got)
		require.Equal(t, len(c.problems) == 0, err == nil)
		for _, problem := range c.problems {
			require.ErrorContains(t, err, problem)
		}
	}
}

func TestParsedHoursAreUsable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-2][0-9]:[0-6][0-9]`), rapid.StringMatching(`-?[0-9]{1,4}`))
		h, _ := scheduling.ParseHours(text.Draw(t, "open"), text.Draw(t, "close"), text.Draw(t, "minutes"))
		require.Less(t, h.Open, h.Close)
		require.True(t, h.Step >= time.Minute && h.Step <= 24*time.Hour)
	})
}

func TestContains(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, hours, start, end string
		want                    bool
	}{
		{"Africa/Nairobi", "08:00-18:00", "2026-03-02T08:00:00+03:00", "2026-03-02T18:00:00+03:00", true},
		{"Africa/Nairobi", "08:00-18:00", "2026-03-02T05:00:00Z", "2026-03-02T05:30:00Z", true},
		{"Africa/Nairobi", "08:00-18:00", "2026-03-02T07:59:59+03:00", "2026-03-02T09:00:00+03:00", false},
		{"Africa/Nairobi", "08:00-18:00", "2026-03-02T17:30:00+03:00", "2026-03-02T18:00:01+03:00", false},
		{"Africa/Nairobi", "08:00-18:00", "2026-03-02T17:30:00+03:00", "2026-03-03T09:00:00+03:00", false},
		{"Africa/Nairobi", "08:00-18:00", "2026-03-02T19:00:00+03:00", "2026-03-02T19:30:00+03:00", false},
		// The hours end when the wall first shows Close or, jumping over it, more.
		{"Europe/Berlin", "00:00-02:30", "2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", true},
		{"Europe/Berlin", "00:00-02:30", "2026-03-29T01:30:00+01:00", "2026-03-29T03:00:01+02:00", false},
		{"Europe/Berlin", "00:00-02:30", "2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", true},
		{"Europe/Berlin", "00:00-02:30", "2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+01:00", false},
		{"Europe/Berlin", "02:30-06:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:00:00+01:00", true},
		{"Europe/Berlin", "02:30-06:00", "2026-10-25T02:15:00+01:00", "2026-10-25T03:00:00+01:00", false},
	} {
		i := scheduling.Interval{Start: moment(t, c.start), End: moment(t, c.end)}
		require.Equal(t, c.want, hours(t, c.hours, time.Hour).Contains(i, zone(t, c.zone)), c)
	}
}
