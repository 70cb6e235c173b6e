package seed

import (
	"context"
	"sort"
	"time"

	"github.com/jackc/pgx/v5"
)

// population is those who may have appointments, by the time since when they may.
type population struct {
	ids   []int64
	since []int64 // seconds of the Unix epoch, ascending
}

// Since when a patient may have appointments.
const (
	registration  = "created_at"
	dayAfterBirth = "date_of_birth + 1"
)

// population reads the patients of this run or, when it has none, all but those who
// were merged into others. The rows of this transaction bear its number; their ids
// would tell as well, if nobody had ever brought rows with ids of their own.
func (s *seeding) population(ctx context.Context, since string) (p population, err error) {
	rows, err := s.tx.Query(ctx, `
		SELECT id, extract(epoch FROM `+since+`)::bigint AS since FROM core_patient
		WHERE merged_into_id IS NULL AND ($1 OR xmin = pg_current_xact_id()::xid)
		ORDER BY since, id`, s.Patients == 0)
	if err != nil {
		return p, err
	}
	var id, second int64
	_, err = pgx.ForEachRow(rows, []any{&id, &second}, func() error {
		p.ids = append(p.ids, id)
		p.since = append(p.since, second)
		return nil
	})
	return p, err
}

// before counts those who may have appointments on the day that begins then. They
// are the first ones.
func (p population) before(begin time.Time) int {
	return sort.Search(len(p.since), func(i int) bool { return p.since[i] >= begin.Unix() })
}

// engaged lists by day who has an appointment already. Patients of this run have none.
func (s *seeding) engaged(ctx context.Context) (map[time.Time][]int64, error) {
	if s.Patients > 0 {
		return nil, nil
	}
	engaged := map[time.Time][]int64{}
	rows, err := s.tx.Query(ctx, "SELECT date, patient_id FROM core_appointment WHERE date BETWEEN $1 AND $2",
		s.today.AddDate(0, 0, -daysBack), s.today.AddDate(0, 0, daysAhead))
	if err != nil {
		return nil, err
	}
	var (
		date    time.Time
		patient int64
	)
	_, err = pgx.ForEachRow(rows, []any{&date, &patient}, func() error {
		engaged[date] = append(engaged[date], patient)
		return nil
	})
	return engaged, err
}

// choose draws one of the first n patients who is not in busy; there must be one.
// One in a hundred is gravely ill and comes often, one in ten comes now and then.
func (p population) choose(d dice, n int, busy map[int64]bool) int {
	at := d.IntN(n)
	switch u := d.Float64(); {
	case u < 0.1:
		at = representative(at, 100, n)
	case u < 0.4:
		at = representative(at, 10, n)
	}
	for busy[p.ids[at]] {
		at = (at + 1) % n
	}
	return at
}

// representative maps the first n patients to one in each group of a size.
func representative(at, size, n int) int {
	group := at / size
	return min(group*size+group*7%size, n-1)
}
