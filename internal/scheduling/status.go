package scheduling

import (
	"fmt"
	"slices"
	"strings"

	"chelal/internal/apperr"
)

// Status says how far an appointment has come.
type Status string

// The statuses, as the database and the API write them.
const (
	Scheduled  Status = "scheduled"
	Confirmed  Status = "confirmed"
	CheckedIn  Status = "checked_in"
	InProgress Status = "in_progress"
	Completed  Status = "completed"
	Cancelled  Status = "cancelled"
	NoShow     Status = "no_show"
)

// course is the way of an appointment that takes place.
var course = []Status{Scheduled, Confirmed, CheckedIn, InProgress, Completed}

// Live reports whether the appointment takes its doctor's and its patient's time.
func (s Status) Live() bool { return s != Completed && slices.Contains(course, s) }

// Final reports whether the appointment is over, so that its status stays.
func (s Status) Final() bool { return s == Completed || s.missed() }

// missed reports whether the appointment does not take place.
func (s Status) missed() bool { return s == Cancelled || s == NoShow }

// Move returns nil when an appointment may go from s to next: to stay, to go forward
// in the order scheduled, confirmed, checked in, in progress, completed, where steps
// may be skipped, or to be cancelled or a no-show while it is not over. Anything else
// is a Conflict with the code "invalid_transition" on the field "status".
func (s Status) Move(next Status) error {
	switch {
	case !next.Live() && !next.Final():
		return invalidTransition("That is not a status of an appointment.")
	case s == next, s.Live() && (next.missed() || s.before(next)):
		return nil
	}
	return invalidTransition(fmt.Sprintf("An appointment that is %s cannot become %s. %s",
		s.words(), next.words(), s.advice(next)))
}

// before reports whether next is further on the course than s.
func (s Status) before(next Status) bool {
	return slices.Index(course, s) < slices.Index(course, next)
}

func (s Status) words() string {
	if s == NoShow {
		return "a no-show"
	}
	return strings.ReplaceAll(string(s), "_", " ")
}

// advice is what to do instead of a move that is refused.
func (s Status) advice(next Status) string {
	switch {
	case !s.Final():
		return "It only goes forward; cancel it and book a new one."
	case next.missed():
		return "Its status is final."
	}
	return "Book a new one."
}

func invalidTransition(message string) error {
	const code = "invalid_transition"
	return apperr.New(apperr.Conflict, code, message).OnField("status", code)
}
