package reporting_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/reporting"
)

func day(t require.TestingT, text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	require.NoError(t, err)
	return d
}

func TestFirstDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		period   reporting.Period
		from, to string
		want     []string
	}{
		{reporting.Day, "2026-02-27", "2026-03-01", []string{"2026-02-27", "2026-02-28", "2026-03-01"}},
		{reporting.Week, "2026-01-01", "2026-01-12", []string{"2026-01-01", "2026-01-05", "2026-01-12"}},
		{reporting.Week, "2026-01-04", "2026-01-05", []string{"2026-01-04", "2026-01-05"}},
		{reporting.Week, "2026-01-05", "2026-01-11", []string{"2026-01-05"}},
		{reporting.Month, "2025-12-31", "2026-02-01", []string{"2025-12-31", "2026-01-01", "2026-02-01"}},
		{reporting.Month, "2026-01-31", "2026-03-30", []string{"2026-01-31", "2026-02-01", "2026-03-01"}},
		{reporting.Month, "2026-03-01", "2026-02-28", nil},
	} {
		var got []string
		for _, d := range c.period.FirstDays(reporting.Span{From: day(t, c.from), To: day(t, c.to)}) {
			got = append(got, d.Format(time.DateOnly))
		}
		require.Equal(t, c.want, got, c)
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	for period, want := range map[reporting.Period]string{
		reporting.Day: "2026-03-02", reporting.Week: "2026-01-12", reporting.Month: "2025-04-01",
	} {
		require.Equal(t, day(t, want), period.Latest(day(t, "2026-03-31")).From, period)
	}
	rapid.Check(t, func(t *rapid.T) {
		to := day(t, "1999-12-25").AddDate(0, 0, rapid.IntRange(0, 20_000).Draw(t, "day"))
		for period, count := range map[reporting.Period]int{reporting.Day: 30, reporting.Week: 12, reporting.Month: 12} {
			days := period.FirstDays(period.Latest(to))
			require.Len(t, days, count, period)
			for _, d := range days {
				require.True(t, period != reporting.Week || d.Weekday() == time.Monday)
				require.True(t, period != reporting.Month || d.Day() == 1)
			}
		}
	})
}

func TestAllows(t *testing.T) {
	t.Parallel()
	from := day(t, "2026-01-01")
	for _, c := range []struct {
		period reporting.Period
		to     string
		want   bool
	}{
		{reporting.Day, "2027-02-04", true}, {reporting.Day, "2027-02-05", false},
		{reporting.Week, "2035-12-31", true}, {reporting.Month, "2036-01-01", false}, {reporting.Month, "2026-01-01", true},
	} {
		require.Equal(t, c.want, c.period.Allows(reporting.Span{From: from, To: day(t, c.to)}), c)
	}
}
