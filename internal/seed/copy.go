package seed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// target is a table to fill: its name, its columns and their values in row i.
// Rows are asked for once, in order; the slice may be used again.
type target struct {
	step    string
	table   string
	columns []string
	rows    int
	row     func(i int) []any
}

// fill copies the rows into the table, without its secondary indexes where making
// them anew is quicker than keeping them.
func (s *seeding) fill(ctx context.Context, t target) error {
	indexes, err := s.indexesInTheWay(ctx, t.table, t.rows)
	if err != nil {
		return err
	}
	if err := s.dropIndexes(ctx, indexes); err != nil {
		return err
	}
	if err := s.copyRows(ctx, t); err != nil {
		return fmt.Errorf("%s: %w", t.table, err)
	}
	return s.rebuild(ctx, t.step+" indexes", indexes)
}

func (s *seeding) copyRows(ctx context.Context, t target) error {
	const often = 1 << 12
	done := 0
	_, err := s.tx.CopyFrom(ctx, pgx.Identifier{t.table}, t.columns, pgx.CopyFromFunc(func() ([]any, error) {
		if done%often == 0 || done == t.rows {
			s.tell(t.step, done, t.rows)
		}
		if done == t.rows {
			return nil, nil
		}
		done++
		return t.row(done - 1), nil
	}))
	return err
}

type index struct {
	name, definition string
}

// indexesInTheWay lists the indexes to drop before so many rows are added. Those
// that a constraint or a foreign key stands on are kept, and those with a property
// that their definition does not tell.
func (s *seeding) indexesInTheWay(ctx context.Context, table string, adding int) ([]index, error) {
	// Measured: to keep the indexes costs about 190 µs for each row added, to make
	// them again about 40 µs for each row present in the end.
	const worthwhile, ratio = 10_000, 3
	if adding < worthwhile {
		return nil, nil
	}
	present := 0
	if err := s.tx.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&present); err != nil {
		return nil, err
	}
	if present > ratio*adding {
		return nil, nil
	}
	rows, err := s.tx.Query(ctx, `
		SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indrelid = $1::regclass AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident
		  AND c.reltablespace = 0
		  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
		ORDER BY 1`, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (i index, err error) {
		return i, row.Scan(&i.name, &i.definition)
	})
}

func (s *seeding) dropIndexes(ctx context.Context, indexes []index) error {
	for _, index := range indexes {
		if _, err := s.tx.Exec(ctx, "DROP INDEX "+index.name); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeding) rebuild(ctx context.Context, step string, indexes []index) error {
	for i, index := range indexes {
		s.tell(step, i, len(indexes))
		if _, err := s.tx.Exec(ctx, index.definition); err != nil {
			return fmt.Errorf("%s: %w", index.name, err)
		}
	}
	if len(indexes) > 0 {
		s.tell(step, len(indexes), len(indexes))
	}
	return nil
}
