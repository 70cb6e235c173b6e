package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/server"
	"chelal/internal/testkit"
)

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

// free are the times of the day that a caller may have of a doctor.
func (c caller) free(doctor int64, date string, more ...string) []string {
	c.t.Helper()
	a := c.call("GET", fmt.Sprintf("/api/appointments/availability/?doctor=%d&date=%s%s", doctor, date, strings.Join(more, "")), nil)
	require.Equal(c.t, 200, a.status, a.raw)
	times := []string{}
	for _, slot := range a.body["slots"].([]any) {
		times = append(times, slot.(map[string]any)["time"].(string)[:5])
	}
	return times
}

func TestAvailability(t *testing.T) {
	t.Parallel()
	k := newClinic(t)
	k.set("working_hours_start", "09:00")
	k.set("working_hours_end", "12:00")
	doctor := k.doctor.user.ID

	t.Run("a day's free slots", func(t *testing.T) {
		require.Equal(t, strings.Fields("09:00 09:30 10:00 10:30 11:00 11:30"), k.portal.free(doctor, "2025-06-10"))
		path := k.book("2025-06-10", "10:15")
		require.Equal(t, strings.Fields("09:00 09:30 11:00 11:30"), k.portal.free(doctor, "2025-06-10"))
		require.Equal(t, strings.Fields("09:00 11:00"), k.portal.free(doctor, "2025-06-10", "&duration_minutes=60"))
		require.Len(t, k.portal.free(k.as("Doctor").user.ID, "2025-06-10"), 6, "it is a question of the doctor's time alone")
		k.desk.call("PATCH", path, map[string]any{"status": "cancelled"})
		require.Len(t, k.portal.free(doctor, "2025-06-10"), 6)
	})

	t.Run("the answer says what it is about", func(t *testing.T) {
		k.set("appointment_duration", "90")
		defer k.set("appointment_duration", "30")
		a := k.desk.call("GET", fmt.Sprintf("/api/appointments/availability/?doctor=%d&date=2025-06-11", doctor), nil)
		require.JSONEq(t, fmt.Sprintf(`{"doctor": %d, "date": "2025-06-11", "duration_minutes": 90, "working_hours_start": "09:00:00",
			"working_hours_end": "12:00:00", "slots": [
			{"date": "2025-06-11", "time": "09:00:00", "starts_at": "2025-06-11T09:00:00Z", "ends_at": "2025-06-11T10:30:00Z"},
			{"date": "2025-06-11", "time": "10:30:00", "starts_at": "2025-06-11T10:30:00Z", "ends_at": "2025-06-11T12:00:00Z"}]}`, doctor), a.raw)
	})

	t.Run("none that has begun", func(t *testing.T) {
		k.now = time.Date(2025, 6, 2, 10, 0, 1, 0, time.UTC)
		k.desk = k.asUser(k.desk.user)
		require.Equal(t, strings.Fields("10:30 11:00 11:30"), k.desk.free(doctor, today))
		require.Empty(t, k.desk.free(doctor, "2025-06-01"))
	})

	t.Run("every slot can be booked", func(t *testing.T) {
		for _, clock := range k.desk.free(doctor, "2025-06-12", "&duration_minutes=30") {
			k.book("2025-06-12", clock)
		}
		require.Empty(t, k.desk.free(doctor, "2025-06-12"))
	})

	t.Run("settings that cannot be used", func(t *testing.T) {
		k.set("working_hours_end", "08:00")
		defer k.set("working_hours_end", "12:00")
		require.Len(t, k.desk.free(doctor, "2025-06-13"), 20, "eight to six, as by default")
	})

	t.Run("bad input", func(t *testing.T) {
		for query, want := range map[string]map[string]string{
			"":                                {"doctor": "required", "date": "required"},
			"?doctor=me&date=2025-02-30":      {"doctor": "wrong_type", "date": "invalid_date"},
			"?doctor=999999999&date=" + today: {"doctor": "does_not_exist"},
			fmt.Sprintf("?doctor=%d&date=9999-12-31", k.desk.user.ID):            {"doctor": "does_not_exist", "date": "out_of_range"},
			fmt.Sprintf("?doctor=%d&date=0001-01-01", doctor):                    {"date": "out_of_range"},
			fmt.Sprintf("?doctor=%d&date=2025-06-10&duration_minutes=0", doctor): {"duration_minutes": "too_small"},
		} {
			require.Equal(t, want, k.desk.call("GET", "/api/appointments/availability/"+query, nil).refused(t, 400, "invalid").fields(), query)
		}
		k.as("").call("GET", "/api/appointments/availability/?doctor=1&date="+today, nil).refused(t, 403, "forbidden")
	})
}

// TestChangeOfClocks books on days on which the clocks change, or which do not exist.
func TestChangeOfClocks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		zone, now, date string
		missing         string // a time that the clocks are set forward over
		at, startsAt    string // a time there is, and its moment
		hours, free     string // the working hours, and the hours at which an appointment may start
	}{
		{"Africa/Nairobi", "2025-03-01T00:00:00Z", "2025-03-30", "", "02:30", "2025-03-29T23:30:00Z", "00:00-05:00", "00:00 01:00 02:00 03:00 04:00"},
		{"Europe/Berlin", "2025-03-01T00:00:00Z", "2025-03-30", "02:30", "03:00", "2025-03-30T01:00:00Z", "00:00-05:00", "00:00 01:00 03:00 04:00"},
		{"Europe/Berlin", "2025-10-01T00:00:00Z", "2025-10-26", "", "02:30", "2025-10-26T00:30:00Z", "00:00-05:00", "00:00 01:00 02:00 03:00 04:00"},
		{"America/St_Johns", "2011-03-01T00:00:00Z", "2011-03-13", "00:30", "01:01", "2011-03-13T03:31:00Z", "00:00-03:00", "00:00 02:00"},
		{"America/St_Johns", "2025-03-01T00:00:00Z", "2025-03-09", "02:00", "03:00", "2025-03-09T05:30:00Z", "00:00-05:00", "00:00 01:00 03:00 04:00"},
		{"America/St_Johns", "2025-10-01T00:00:00Z", "2025-11-02", "", "01:30", "2025-11-02T04:00:00Z", "00:00-05:00", "00:00 01:00 02:00 03:00 04:00"},
		{"Pacific/Apia", "2011-12-01T00:00:00Z", "2011-12-30", "10:00", "", "", "00:00-05:00", ""},
		{"Pacific/Apia", "2011-12-01T00:00:00Z", "2011-12-31", "", "10:00", "2011-12-30T20:00:00Z", "08:00-10:00", "08:00 09:00"},
	} {
		t.Run(test.zone+" "+test.date, func(t *testing.T) {
			t.Parallel()
			k := newClinic(t, func(o *server.Options) { o.Zone = mustZone(t, test.zone) })
			k.now, _ = time.Parse(time.RFC3339, test.now)
			k.desk = k.asUser(k.desk.user)
			open, closing, _ := strings.Cut(test.hours, "-")
			k.set("working_hours_start", open)
			k.set("working_hours_end", closing)
			k.set("appointment_duration", "60")
			require.Equal(t, strings.Fields(test.free), k.desk.free(k.doctor.user.ID, test.date))
			if test.missing != "" {
				require.Equal(t, map[string]string{"time": "no_such_time"},
					k.desk.call("POST", "/api/appointments/", k.at(test.date, test.missing)).refused(t, 400, "invalid").fields())
				path := k.book(dayBefore(t, test.date), "10:00")
				require.Equal(t, map[string]string{"time": "no_such_time"},
					k.desk.call("PATCH", path, map[string]any{"date": test.date, "time": test.missing}).refused(t, 400, "invalid").fields())
			}
			if test.at == "" {
				return
			}
			made := k.desk.call("POST", "/api/appointments/", k.at(test.date, test.at))
			require.Equal(t, 201, made.status, made.raw)
			require.Equal(t, test.startsAt, made.body["starts_at"])
			require.Equal(t, []any{test.date, test.at + ":00"}, []any{made.body["date"], made.body["time"]})
			for _, s := range nextFree(t, k.desk.call("POST", "/api/appointments/", k.at(test.date, test.at, "patient", testkit.Patient(t, k.db, nil).ID))) {
				k.book(s["date"].(string), s["time"].(string))
			}
		})
	}
}

func dayBefore(t *testing.T, date string) string {
	t.Helper()
	day, err := time.Parse(time.DateOnly, date)
	require.NoError(t, err)
	return day.AddDate(0, 0, -1).Format(time.DateOnly)
}
