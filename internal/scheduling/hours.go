package scheduling

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Hours are the hospital's working hours, the same every day. A day's times at which
// an appointment may start, its grid, are Open and then every Step until Close.
type Hours struct {
	Open, Close Clock
	Step        time.Duration
}

const (
	defaultOpen  Clock = 8 * 3600
	defaultClose Clock = 18 * 3600
	defaultStep        = 30 * time.Minute
)

// ParseHours reads the settings working_hours_start, working_hours_end and
// appointment_duration, such as "08:00", "18:00" and "30", which is a number of minutes
// from 1 to 1440. What cannot be used takes its default, which are these three; so the
// hours are usable even with an error, which names every setting that is wrong.
func ParseHours(open, closing, minutes string) (Hours, error) {
	opens, openErr := clockOr(defaultOpen, open, "working_hours_start")
	closes, closeErr := clockOr(defaultClose, closing, "working_hours_end")
	step, stepErr := stepOr(defaultStep, minutes)
	var orderErr error
	if closes <= opens {
		orderErr = fmt.Errorf("working_hours_end: %s is not after working_hours_start, %s", closes, opens)
		opens, closes = defaultOpen, defaultClose
	}
	return Hours{Open: opens, Close: closes, Step: step}, errors.Join(openErr, closeErr, orderErr, stepErr)
}

func clockOr(otherwise Clock, text, name string) (Clock, error) {
	c, err := ParseClock(text)
	if err != nil {
		return otherwise, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

func stepOr(otherwise time.Duration, minutes string) (time.Duration, error) {
	n, err := strconv.Atoi(minutes)
	if err != nil || n < 1 || n > 1440 {
		return otherwise, fmt.Errorf("appointment_duration: %q is not a number of minutes from 1 to 1440", minutes)
	}
	return time.Duration(n) * time.Minute, nil
}

// Contains reports whether an interval starts, by the wall clock of zone, at Open or
// later and ends at Close of the same day or earlier. When the clocks are set back
// over Close, the hours end when it is shown first.
func (h Hours) Contains(i Interval, zone *time.Location) bool {
	date, at := Wall(i.Start, zone)
	return at >= h.Open && !i.End.After(reached(date, h.Close, zone))
}
