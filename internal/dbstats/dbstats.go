// Package dbstats asks a database how it is doing: who is connected, what is large, which
// indexes serve and which do not, what is slow, and what waits.
package dbstats

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"chelal/internal/pg"
)

// Table is what was found under one heading. Every cell is text, NULL an empty one.
type Table struct {
	Title   string     `json:"title"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	// Note says why there are no rows where others would have some.
	Note string `json:"note,omitempty"`
}

// query is one table. Its columns are text, in the words that a person reads. Where needs
// holds no row the table is left empty with the note.
type query struct {
	title, sql   string
	needs, note  string
	withRowLimit bool
}

// Look asks everything there is, at most so many rows of a table. It changes nothing.
func Look(ctx context.Context, conn pg.DB, rows int) ([]Table, error) {
	tables := make([]Table, 0, len(queries))
	for _, q := range queries {
		table, err := q.look(ctx, conn, rows)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.title, err)
		}
		tables = append(tables, table)
	}
	return tables, nil
}

func (q query) look(ctx context.Context, conn pg.DB, most int) (Table, error) {
	table := Table{Title: q.title, Columns: []string{}, Rows: [][]string{}}
	if q.needs != "" {
		var there bool
		if err := conn.QueryRow(ctx, q.needs).Scan(&there); err != nil {
			return table, err
		}
		if !there {
			table.Note = q.note
			return table, nil
		}
	}
	sql, args := q.sql, []any{}
	if q.withRowLimit {
		sql, args = sql+" LIMIT $1", append(args, most)
	}
	found, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return table, err
	}
	table.Rows, err = pgx.CollectRows(found, func(row pgx.CollectableRow) ([]string, error) {
		table.Columns = table.Columns[:0]
		for _, field := range row.FieldDescriptions() {
			table.Columns = append(table.Columns, field.Name)
		}
		cells := make([]*string, len(table.Columns))
		targets := make([]any, len(cells))
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := row.Scan(targets...); err != nil {
			return nil, err
		}
		texts := make([]string, len(cells))
		for i, cell := range cells {
			if cell != nil {
				texts[i] = *cell
			}
		}
		return texts, nil
	})
	return table, err
}
