package scheduling_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/scheduling"
)

func clock(t require.TestingT, text string) scheduling.Clock {
	c, err := scheduling.ParseClock(text)
	require.NoError(t, err)
	return c
}

func TestParseClock(t *testing.T) {
	t.Parallel()
	for text, seconds := range map[string]int{
		"00:00": 0, "00:00:00": 0, "09:30": 34_200, "09:30:05": 34_205, "23:59": 86_340, "23:59:59": 86_399,
	} {
		require.EqualValues(t, seconds, clock(t, text), text)
		require.Equal(t, time.Duration(seconds)*time.Second, clock(t, text).SinceMidnight(), text)
	}
	for _, text := range []string{
		"", "9", "9:30", "9:30:00", "09:3", "0930", "09:30:5", "09:30:00.5", "9:30:00.", "24:00", "24:00:00",
		"09:60", "09:30:60", "-9:30", " 09:30", "09:30 ", "09:30Z", "09.30", "+9:30", "０9:30",
	} {
		_, err := scheduling.ParseClock(text)
		require.Error(t, err, "%q", text)
	}
}

func FuzzParseClock(f *testing.F) {
	for _, text := range []string{"09:30", "23:59:59", "24:00", "9:30", "", "00:00:0a", "9:30:00."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := scheduling.ParseClock(text)
		if err != nil {
			require.Zero(t, c)
			return
		}
		require.Contains(t, []string{text, text + ":00"}, c.String())
		require.Equal(t, c, clock(t, c.String()))
		require.Equal(t, c, clock(t, c.String()[:5])+c%60)
	})
}

func TestClockAsText(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(map[scheduling.Clock]scheduling.Clock{clock(t, "07:05"): clock(t, "18:00:09")})
	require.NoError(t, err)
	require.JSONEq(t, `{"07:05:00": "18:00:09"}`, string(encoded))

	var decoded scheduling.Clock
	require.NoError(t, json.Unmarshal([]byte(`"18:00"`), &decoded))
	require.Equal(t, clock(t, "18:00"), decoded)
	require.Error(t, json.Unmarshal([]byte(`"6 pm"`), &decoded))
	require.Error(t, json.Unmarshal([]byte(`1800`), &decoded))
}

func TestClockInTheDatabase(t *testing.T) {
	t.Parallel()
	value, err := clock(t, "07:05").Value()
	require.NoError(t, err)
	require.Equal(t, "07:05:00", value)

	for text, want := range map[string]string{
		"09:30:00": "09:30:00", "09:30:00.000000": "09:30:00", "23:59:59.999999": "23:59:59", "09:30": "09:30:00",
	} {
		var c scheduling.Clock
		require.NoError(t, c.Scan(text))
		require.Equal(t, want, c.String())
	}
	for _, value := range []any{nil, 34_200, []byte("09:30:00"), time.Now(), "", "24:00:00", "noon"} {
		require.Error(t, new(scheduling.Clock).Scan(value), "%v", value)
	}
}
