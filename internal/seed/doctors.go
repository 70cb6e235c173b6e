package seed

import (
	"context"
	"errors"
	"fmt"

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

// insertDoctors gives each a password that is no hash, so that none opens it.
func (s *seeding) insertDoctors(ctx context.Context, last, count int) ([]int64, error) {
	d := newDice(s.RNGSeed, doctorDice)
	usernames, given, family := make([]string, count), make([]string, count), make([]string, count)
	for i := range count {
		p := d.person()
		usernames[i] = fmt.Sprintf("dr.%s.%d", plain(p.family), last+i+1)
		given[i], family[i] = p.given, p.family
	}
	rows, err := s.tx.Query(ctx, `
		INSERT INTO core_user (username, first_name, last_name, password, is_active, role_id, date_joined)
		SELECT d.username, d.given, d.family, '!', true, r.id, $4
		FROM unnest($1::text[], $2::text[], $3::text[]) d (username, given, family), core_role r
		WHERE r.name = 'Doctor'
		RETURNING id`, usernames, given, family, s.midnight.AddDate(0, 0, -history))
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err == nil && len(ids) < count {
		return nil, errors.New("there is no role named Doctor")
	}
	return ids, err
}
