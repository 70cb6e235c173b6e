package scheduling_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/scheduling"
)

func TestDayStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, date, want, why string }{
		{"Africa/Nairobi", "2026-03-29", "2026-03-29T00:00:00+03:00", "no changes"},
		{"Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00", "a change at night"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00", "the day's first hour is missing"},
		{"America/St_Johns", "2010-11-07", "2010-11-07T00:00:00-02:30", "midnight is shown twice"},
		{"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", "a missing day"},
		{"Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00", "after a missing day"},
	} {
		require.Equal(t, moment(t, c.want), scheduling.DayStart(date(t, c.date), zone(t, c.zone)), c.why)
	}
}

func TestNoEarlierMomentIsOfTheDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z := drawZone(t)
		day, _ := drawReading(t, z)
		start := scheduling.DayStart(day, z)
		shown, _ := scheduling.Wall(start, z)
		require.False(t, shown.Before(day))
		for earlier := range 26 * 4 {
			before, _ := scheduling.Wall(start.Add(-time.Second-time.Duration(earlier)*15*time.Minute), z)
			require.True(t, before.Before(day), "%s", start)
		}
	})
}
