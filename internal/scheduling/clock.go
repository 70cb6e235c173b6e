package scheduling

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Clock is a time of day on the hospital's wall, in whole seconds since midnight. It
// reads and writes PostgreSQL's type time.
type Clock int32

// ParseClock reads HH:MM or HH:MM:SS, from 00:00 to 23:59:59.
func ParseClock(text string) (Clock, error) {
	layout := "15:04:05"
	if len(text) == len("15:04") {
		layout = "15:04"
	}
	t, err := time.Parse(layout, text)
	if err != nil || len(text) != len(layout) {
		return 0, fmt.Errorf("%q is not a time of day such as 09:30", text)
	}
	return Clock(t.Hour()*3600 + t.Minute()*60 + t.Second()), nil
}

// String is the time of day as HH:MM:SS.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d:%02d", c/3600, c/60%60, c%60) }

// SinceMidnight is the time of day as a duration on a day without a change of the clocks.
func (c Clock) SinceMidnight() time.Duration { return time.Duration(c) * time.Second }

// MarshalText writes HH:MM:SS.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseClock reads.
func (c *Clock) UnmarshalText(text []byte) (err error) {
	*c, err = ParseClock(string(text))
	return err
}

// Scan reads a value of PostgreSQL's type time. Fractions of a second are cut off.
func (c *Clock) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("scheduling: a time of day cannot be read from %T", value)
	}
	return c.UnmarshalText([]byte(text[:min(len(text), len("15:04:05"))]))
}

// Value is the time of day as PostgreSQL reads it.
func (c Clock) Value() (driver.Value, error) { return c.String(), nil }
