package scheduling

import "time"

// DayStart returns the first moment of a day, in UTC: when the wall clock of zone shows
// the date, of which only year, month and day count, or a later one for the first time.
// That is not always at 00:00, and days that the clocks skip are of no length.
func DayStart(date time.Time, zone *time.Location) time.Time { return reached(date, 0, zone) }
