// Package seed fills a database with people, doctors, appointments and what came of them
// that look like a hospital's, in any number. Nobody in it is real: given and family names
// meet at random.
package seed

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/internal/apperr"
	"chelal/internal/scheduling"
)

// Options say what to add.
type Options struct {
	Patients     int
	Appointments int
	// Doctors is how many accounts of role Doctor to make for the appointments.
	// They cannot sign in. 0 makes as many as the appointments keep busy, and at
	// least three, or none when there are no appointments.
	Doctors int
	// RNGSeed decides every name and date: the same options make the same people.
	// Only what the database itself gives (ids, unique_id) may differ.
	RNGSeed uint64
	// Now is the present, in the hospital's time zone. Appointments lie from about
	// eighteen months before its day to three months after it, on weekdays and every
	// other Saturday; nothing is said to have happened later.
	Now time.Time
	// Until is a day before which all appointments lie; when it is zero there is no such
	// day. Until today's, a hospital gets a past and no work of today.
	Until time.Time
	// Progress hears of each step's rows or indexes, first with done = 0 and last
	// with done = total. It is called from one goroutine at a time and may be nil.
	Progress func(step string, done, total int)
}

// Result is what was added.
type Result struct {
	Patients, Appointments, Doctors            int
	Encounters, Prescriptions, Bills, Payments int
}

// Run adds the data in one transaction: when it fails or ctx ends, nothing is
// left. A second run adds as much again, with new doctors and, from the same
// RNGSeed, namesakes of the first run's patients. Runs wait for each other.
//
// What came of the appointments that are over is made as well: encounters, prescriptions,
// what was dispensed of them, bills, payments and refunds, in the proportions of a
// hospital; and a pharmacy and a catalogue of services where they are missing. Meanwhile
// nobody else can write to these tables.
//
// Appointments go to the patients of this run or, when it adds none, to those
// that exist. No doctor and no patient has two at one time, a patient not even
// two on one day. That holds against the API only as far as nobody books for the
// same patients while Run works. A patient has appointments after the day of
// registration; where too few were registered early enough, after birth.
//
// Where it adds much to little, Run drops the table's secondary indexes and makes
// them again before it ends. Others then wait for the table until the commit.
//
// Counts that are negative, and more appointments than the patients or the doctors
// have time for, are Invalid.
func Run(ctx context.Context, pool *pgxpool.Pool, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	var result Result
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		s := &seeding{Options: o, tx: tx, today: dateOf(o.Now)}
		s.midnight = s.clock(s.today, 0)
		s.result = Result{Patients: o.Patients, Appointments: o.Appointments, Doctors: s.doctorCount()}
		defer func() { result = s.result }()
		return s.run(ctx)
	})
	if err != nil {
		// A copy that is interrupted says only that its connection is closed.
		return Result{}, fmt.Errorf("seed: %w", cmp.Or(ctx.Err(), err))
	}
	return result, nil
}

func (o Options) check() error {
	for _, count := range []struct {
		name  string
		value int
	}{{"patients", o.Patients}, {"appointments", o.Appointments}, {"doctors", o.Doctors}} {
		if count.value < 0 {
			return apperr.New(apperr.Invalid, "invalid_count",
				"The number of "+count.name+" to add cannot be negative.")
		}
	}
	return nil
}

// seeding is one run.
type seeding struct {
	Options
	tx       pgx.Tx
	today    time.Time // the date, as the database's type date has it: in UTC
	midnight time.Time // when it begins in the hospital
	result   Result
}

func (s *seeding) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.prepare, s.addPatients, s.addAppointments, s.addClinic, s.addEveryday, s.figures, s.analyze,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// summed are the tables whose triggers keep sums that a run writes by itself, for all its
// rows at once.
var summed = []string{
	"core_patient", "core_appointment", "core_prescription", "core_stockmovement", "core_medication", "core_bill",
	"core_billitem", "core_payment", "core_refund", "core_auditlog",
}

// prepare sets the transaction up: alone among runs, without the limits of a
// request, with memory for building indexes, with a place for the audit log of the last
// month, and without the triggers of sums.
func (s *seeding) prepare(ctx context.Context) error {
	for _, table := range summed {
		if _, err := s.tx.Exec(ctx, "ALTER TABLE "+table+" DISABLE TRIGGER USER"); err != nil {
			return err
		}
	}
	_, err := s.tx.Exec(ctx, `
		SELECT core_auditlog_partitions(0, 1),
		       set_config('statement_timeout', '0', true),
		       set_config('idle_in_transaction_session_timeout', '0', true),
		       set_config('work_mem', '128MB', true),
		       set_config('maintenance_work_mem', '512MB', true),
		       pg_advisory_xact_lock(hashtext('chelal seed'))`)
	return err
}

// figures makes the sums of dashboards and reports anew and lets the triggers keep them
// from here on.
func (s *seeding) figures(ctx context.Context) error {
	s.tell("figures", 0, 1)
	if _, err := s.tx.Exec(ctx, "SELECT core_figures_rebuild()"); err != nil {
		return err
	}
	for _, table := range summed {
		if _, err := s.tx.Exec(ctx, "ALTER TABLE "+table+" ENABLE TRIGGER USER"); err != nil {
			return err
		}
	}
	s.tell("figures", 1, 1)
	return nil
}

// analyze tells the planner, which must not believe that the tables are empty
// until autovacuum comes by.
func (s *seeding) analyze(ctx context.Context) error {
	s.tell("statistics", 0, 1)
	if _, err := s.tx.Exec(ctx, "ANALYZE core_user, core_patient, core_appointment, core_medication, core_serviceitem, core_documentnumber, core_figure, "+
		"core_notification, core_loginactivity, core_auditlog, "+strings.Join(followed, ", ")); err != nil {
		return err
	}
	s.tell("statistics", 1, 1)
	return nil
}

func (o Options) tell(step string, done, total int) {
	if o.Progress != nil {
		o.Progress(step, done, total)
	}
}

// clock is when the hospital's clocks show a time of a date. Dates are kept in UTC,
// since there are zones with days that do not begin at midnight.
func (s *seeding) clock(date time.Time, sinceMidnight time.Duration) time.Time {
	return scheduling.Shifted(date, scheduling.Clock(sinceMidnight/time.Second), s.Now.Location())
}

func dateOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}
