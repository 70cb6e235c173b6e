package scheduling_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/apperr"
	"chelal/internal/scheduling"
)

var statuses = []scheduling.Status{
	scheduling.Scheduled, scheduling.Confirmed, scheduling.CheckedIn, scheduling.InProgress,
	scheduling.Completed, scheduling.Cancelled, scheduling.NoShow,
}

// moves has a line for each status and a column for each next one, in the same order.
const moves = `
scheduled    yes yes yes yes yes yes yes
confirmed     -  yes yes yes yes yes yes
checked_in    -   -  yes yes yes yes yes
in_progress   -   -   -  yes yes yes yes
completed     -   -   -   -  yes  -   -
cancelled     -   -   -   -   -  yes  -
no_show       -   -   -   -   -   -  yes`

func TestMove(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(moves), "\n")
	require.Len(t, lines, len(statuses))
	for i, line := range lines {
		cells := strings.Fields(line)
		require.Equal(t, string(statuses[i]), cells[0])
		for j, next := range statuses {
			err := statuses[i].Move(next)
			require.Equal(t, cells[j+1] == "yes", err == nil, "%s to %s: %v", statuses[i], next, err)
		}
	}
}

func TestRefusedMove(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to scheduling.Status
		want     string
	}{
		{"completed", "scheduled", "An appointment that is completed cannot become scheduled. Book a new one."},
		{"no_show", "checked_in", "An appointment that is a no-show cannot become checked in. Book a new one."},
		{"cancelled", "no_show", "An appointment that is cancelled cannot become a no-show. Its status is final."},
		{"in_progress", "confirmed", "An appointment that is in progress cannot become confirmed. " +
			"It only goes forward; cancel it and book a new one."},
		{"scheduled", "<lost>", "That is not a status of an appointment."},
		{"<lost>", "<lost>", "That is not a status of an appointment."},
		{"scheduled", "", "That is not a status of an appointment."},
	} {
		got := apperr.From(c.from.Move(c.to))
		require.Equal(t, c.want, got.Message)
		require.Equal(t, apperr.Conflict, got.Kind)
		require.Equal(t, "invalid_transition", got.Code)
		require.Equal(t, []apperr.Field{{Name: "status", Code: "invalid_transition", Message: c.want}}, got.Fields)
	}
}

func TestLiveAndFinal(t *testing.T) {
	t.Parallel()
	for i, s := range statuses {
		require.Equal(t, i < 4, s.Live(), s)
		require.Equal(t, i >= 4, s.Final(), s)
	}
	require.False(t, scheduling.Status("lost").Live() || scheduling.Status("lost").Final())
}

func TestWalk(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.SampledFrom(statuses).Draw(t, "first")
		for _, next := range rapid.SliceOfN(rapid.SampledFrom(statuses), 1, 20).Draw(t, "wishes") {
			if now.Move(next) != nil {
				continue
			}
			require.True(t, next == now || now.Live(), "%s was left for %s", now, next)
			// In the order of the table, every way to go leads down.
			require.GreaterOrEqual(t, slices.Index(statuses, next), slices.Index(statuses, now))
			now = next
		}
		require.Equal(t, now.Live() || now == scheduling.Cancelled, now.Move(scheduling.Cancelled) == nil)
	})
}
