package seed

import (
	"context"
	"time"
)

var patientColumns = []string{
	"first_name", "last_name", "date_of_birth", "gender", "contact_info", "address", "known_allergies",
	"created_at", "updated_at",
}

// history is how many days before today the hospital opened.
const history = 5 * 365

// registrations is how many days before today the first patient registered: a small
// hospital is a young one, where somebody registers almost every day, too.
func (s *seeding) registrations() int { return min(history, max(90, s.Patients/2)) }

func (s *seeding) addPatients(ctx context.Context) error {
	if s.Patients == 0 {
		return nil
	}
	d := newDice(s.RNGSeed, patientDice)
	row := make([]any, len(patientColumns))
	return s.fill(ctx, target{
		step: "patients", table: "core_patient", columns: patientColumns, rows: s.Patients,
		row: func(i int) []any {
			s.patient(d, i, row)
			return row
		},
	})
}

// patient writes the values of the i-th patient into row.
func (s *seeding) patient(d dice, i int, row []any) {
	const oneName, changed = 0.015, 0.35
	p := d.person()
	if d.chance(oneName) {
		p.family = ""
	}
	registered := s.registered(d, i)
	updated := registered
	if d.chance(changed) {
		updated = d.moment(registered, s.Now)
	}
	row[0], row[1] = p.given, p.family
	row[2] = s.birthday(i, d.birth(p, registered))
	row[3] = d.gender(p)
	row[4] = d.contact(p)
	row[5] = d.address(p)
	row[6] = d.allergies()
	row[7], row[8] = registered, updated
}

// birthday lets somebody have a birthday today: the first patient, on a birth date at
// most a year earlier than drawn.
func (s *seeding) birthday(i int, birth time.Time) time.Time {
	if i > 0 {
		return birth
	}
	today := time.Date(birth.Year(), s.today.Month(), s.today.Day(), 0, 0, 0, 0, time.UTC)
	if today.After(birth) {
		return today.AddDate(-1, 0, 0)
	}
	return today
}

// registered spreads registrations over the years in the order of i. Most are made
// in the morning; at night only emergencies are.
func (s *seeding) registered(d dice, i int) time.Time {
	const emergencies = 0.12
	days := s.registrations()
	day := int((float64(i) + d.Float64()) / float64(s.Patients) * float64(days+1))
	second := d.IntN(24 * 3600)
	if !d.chance(emergencies) {
		opening, busy := 7*3600, 11*3600
		second = opening + int(float64(busy)*(d.Float64()+d.Float64()*d.Float64())/2)
	}
	registered := s.clock(s.today.AddDate(0, 0, day-days), time.Duration(second)*time.Second)
	if registered.After(s.Now) {
		return d.moment(s.midnight, s.Now)
	}
	return registered
}

// moment draws a time from one, and before another when that is later.
func (d dice) moment(from, before time.Time) time.Time {
	if seconds := int(before.Sub(from) / time.Second); seconds > 0 {
		return from.Add(time.Duration(d.IntN(seconds)) * time.Second)
	}
	return from
}

func (d dice) address(p person) string {
	const none = 0.04
	if d.chance(none) {
		return ""
	}
	return d.fill(d.oneOf(p.from.addresses), p.from)
}
