package seed

import (
	"context"

	"chelal/internal/apperr"
)

var appointmentColumns = []string{
	"patient_id", "doctor_id", "date", "time", "starts_at", "ends_at", "status", "notes", "created_at", "updated_at",
}

func (s *seeding) addAppointments(ctx context.Context) error {
	doctors, err := s.addDoctors(ctx)
	if err != nil || s.Appointments == 0 {
		return err
	}
	people, days, err := s.plan(ctx, len(doctors))
	if err != nil {
		return err
	}
	b := &bookings{
		seeding: s, dice: newDice(s.RNGSeed, appointmentDice), people: people, doctors: doctors,
		days: days, row: make([]any, len(appointmentColumns)), busy: map[int64]bool{},
	}
	spread(b.dice, days, s.Appointments)
	b.open()
	return s.fill(ctx, target{
		step: "appointments", table: "core_appointment", columns: appointmentColumns, rows: s.Appointments,
		row: func(int) []any { return b.next() },
	})
}

// plan finds the patients and the days with room for all the appointments.
func (s *seeding) plan(ctx context.Context, doctors int) (population, []day, error) {
	engaged, err := s.engaged(ctx)
	if err != nil {
		return population{}, nil, err
	}
	for _, since := range []string{registration, dayAfterBirth} {
		people, err := s.population(ctx, since)
		if err != nil {
			return population{}, nil, err
		}
		if len(people.ids) == 0 {
			return population{}, nil, apperr.New(apperr.Invalid, "no_patients",
				"There are no patients to make appointments for; add some as well.")
		}
		days := s.workingDays()
		for i := range days {
			d := &days[i]
			d.engaged = engaged[d.date]
			d.patients = people.before(d.begin)
			d.room = max(0, min(doctors*slotCount, d.patients-len(d.engaged)))
		}
		if days = around(days, s.today, s.Appointments); roomIn(days) >= s.Appointments {
			return people, days, nil
		}
	}
	return population{}, nil, apperr.New(apperr.Invalid, "too_many_appointments",
		"The patients and doctors have no time for so many appointments; add more of them as well.")
}
