package seed

import "time"

// outcome is how often an appointment has which status.
type outcome struct {
	statuses []string
	weights  []int
}

// The outcomes by time. It is taken to be half past eleven today, whatever the
// clock says, so that a demonstration always shows a hospital at work.
var (
	past     = outcome{[]string{"completed", "no_show", "cancelled"}, []int{82, 9, 9}}
	earlier  = outcome{[]string{"completed", "no_show", "cancelled", "in_progress"}, []int{80, 7, 8, 5}}
	current  = outcome{[]string{"in_progress", "checked_in", "completed", "cancelled"}, []int{35, 45, 12, 8}}
	soon     = outcome{[]string{"checked_in", "confirmed", "scheduled", "cancelled"}, []int{45, 30, 19, 6}}
	later    = outcome{[]string{"confirmed", "scheduled", "cancelled"}, []int{55, 38, 7}}
	nextDays = outcome{[]string{"confirmed", "scheduled", "cancelled"}, []int{50, 45, 5}}
	future   = outcome{[]string{"confirmed", "scheduled", "cancelled"}, []int{15, 81, 4}}
)

func (b *bookings) status(date time.Time, sinceMidnight time.Duration) string {
	o := b.outcome(date, sinceMidnight)
	return o.statuses[b.weighted(o.weights)]
}

func (b *bookings) outcome(date time.Time, sinceMidnight time.Duration) outcome {
	switch {
	case date.Before(b.today):
		return past
	case date.After(b.today.AddDate(0, 0, 7)):
		return future
	case date.After(b.today):
		return nextDays
	case sinceMidnight < 11*time.Hour:
		return earlier
	case sinceMidnight < 12*time.Hour:
		return current
	case sinceMidnight < 13*time.Hour:
		return soon
	default:
		return later
	}
}

// changed is when the appointment came to its status, as far as that is over.
func (b *bookings) changed(a appointment, at time.Time) time.Time {
	updated := a.created
	switch a.status {
	case "completed", "no_show":
		updated = at.Add(time.Duration(b.between(25, 60)) * time.Minute)
	case "in_progress", "checked_in":
		updated = at
	case "confirmed", "cancelled":
		updated = b.moment(a.created, at)
	}
	if updated.After(b.Now) {
		updated = b.moment(b.Now.Add(-6*time.Hour), b.Now)
	}
	if updated.Before(a.created) {
		return a.created
	}
	return updated
}

var (
	reasons = list(`Follow-up, First visit, Blood pressure check, Antenatal visit, Fever and cough, Review of laboratory
		results, Diabetes review, Vaccination, Back pain, Post-operative check, Wound dressing, Malaria test, Headaches,
		Abdominal pain, Refill of prescription, Bring previous X-ray, Skin rash, Growth monitoring, Asthma review,
		Needs wheelchair access, Prefers a female doctor, Interpreter for Somali, Fasting from midnight,
		Suivi de grossesse, Contrôle annuel, Ukaguzi wa shinikizo la damu, Family planning, Eye check, Toothache`)
	withdrawals = list(`Patient called to cancel, Doctor away, Rescheduled, Patient travelling, Cancelled by SMS,
		Feeling better, Admitted to the ward, No transport, Double entry`)
)

// notes is mostly nothing: few write more than the form demands.
func (b *bookings) notes(status string) string {
	const written, explained = 0.22, 0.5
	switch {
	case status == "cancelled" && b.chance(explained):
		return b.common(withdrawals)
	case b.chance(written):
		return b.common(reasons)
	default:
		return ""
	}
}
