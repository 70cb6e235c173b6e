package backup

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"chelal/internal/pg"
)

// settled are the settings on which the text of a row depends.
const settled = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 1; " +
	"SET LOCAL bytea_output = 'hex'; SET LOCAL statement_timeout = 0"

// count reads every row of every table, River's jobs among them.
func count(ctx context.Context, tx pgx.Tx, progress func(string, int64, int64)) (map[string]Table, error) {
	if _, err := tx.Exec(ctx, settled); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('public', $1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`, pg.RiverSchema)
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	tables := map[string]Table{}
	for n, name := range names {
		var t Table
		if err := tx.QueryRow(ctx, fmt.Sprintf("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM %s t", name)).
			Scan(&t.Rows, &t.Checksum); err != nil {
			return nil, fmt.Errorf("count %s: %w", name, err)
		}
		tables[name] = t
		progress("tables", int64(n+1), int64(len(names)))
	}
	return tables, nil
}

// differences answers a sentence for each table that is not as it was.
func differences(was, is map[string]Table) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(was)) {
		switch now, ok := is[name]; {
		case !ok:
			all = append(all, fmt.Sprintf("the table %s is missing", name))
		case now.Rows != was[name].Rows:
			all = append(all, fmt.Sprintf("%s has %d rows and had %d", name, now.Rows, was[name].Rows))
		case now != was[name]:
			all = append(all, fmt.Sprintf("rows of %s are not as they were", name))
		}
	}
	return all
}
