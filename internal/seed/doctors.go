package seed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// doctorCount is how many doctors to make: so many that each has two half hours
// free on an average day.
func (s *seeding) doctorCount() int {
	const dailySlots, days, fewest = 16, 500, 3
	if s.Doctors > 0 || s.Appointments == 0 {
		return s.Doctors
	}
	return max(fewest, (s.Appointments+dailySlots*days-1)/(dailySlots*days))
}

// addDoctors makes the doctors and returns their ids. Their usernames end in a
// number that goes on after the last one of an earlier run.
func (s *seeding) addDoctors(ctx context.Context) ([]int64, error) {
	count := s.doctorCount()
	s.tell("doctors", 0, count)
	last := 0
	if err := s.tx.QueryRow(ctx, `SELECT coalesce(max(substring(username FROM '^dr\.[a-z]+\.(\d{1,8})$')::int), 0)
		FROM core_user WHERE username LIKE 'dr.%'`).Scan(&last); err != nil {
		return nil, err
	}
	ids, err := s.insertDoctors(ctx, last, count)
	if err != nil {
		return nil, fmt.Errorf("core_user: %w", err)
	}
	s.tell("doctors", count, count)
	return ids, nil
}

// NoPassword is what those whom a run adds have for a password: no hash, so that none
// opens the account.
const NoPassword = "!"

func (s *seeding) insertDoctors(ctx context.Context, last, count int) ([]int64, error) {
	d := newDice(s.RNGSeed, doctorDice)
	usernames, given, family := make([]string, count), make([]string, count), make([]string, count)
	joined := make([]time.Time, count)
	for i := range count {
		p := d.person()
		usernames[i] = fmt.Sprintf("dr.%s.%d", plain(p.family), last+i+1)
		given[i], family[i] = p.given, p.family
		// The first one joined on this day of an earlier year, all before their appointments.
		joined[i] = s.clock(s.today.AddDate(-2-i%4, 0, -i*17%365), 8*time.Hour)
	}
	rows, err := s.tx.Query(ctx, `
		INSERT INTO core_user (username, first_name, last_name, password, is_active, role_id, date_joined)
		SELECT d.username, d.given, d.family, $5, true, r.id, d.joined
		FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) d (username, given, family, joined), core_role r
		WHERE r.name = 'Doctor'
		RETURNING id`, usernames, given, family, joined, NoPassword)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err == nil && len(ids) < count {
		return nil, errors.New("there is no role named Doctor")
	}
	return ids, err
}
