package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// missingIndexes are the indexes of partitions that a migration has declared with CREATE INDEX ON
// ONLY the partitioned table, which builds nothing: parent, the partition's own, and what makes it.
const missingIndexes = `
SELECT parent::text, own, regexp_replace(pg_get_indexdef(parent), '^(CREATE (UNIQUE )?INDEX) \S+ ON ONLY \S+',
           format('\1 CONCURRENTLY %I ON %s', own, part))
FROM (SELECT i.indexrelid::regclass AS parent, t.inhrelid::regclass AS part,
             t.inhrelid::regclass::text || replace(i.indexrelid::regclass::text, i.indrelid::regclass::text, '') AS own
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'I'
      JOIN pg_inherits t ON t.inhparent = i.indrelid
      WHERE NOT i.indisvalid AND NOT EXISTS (
          SELECT FROM pg_inherits a JOIN pg_index mine ON mine.indexrelid = a.inhrelid
          WHERE a.inhparent = i.indexrelid AND mine.indrelid = t.inhrelid)) missing
ORDER BY own`

// buildIndexes builds what is missing of the indexes of partitioned tables while others write,
// which CREATE INDEX on a partitioned table cannot. One that was cut off is built anew.
func buildIndexes(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("open the database to build its indexes: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	type index struct{ Parent, Own, Statement string }
	rows, err := conn.Query(ctx, missingIndexes)
	if err != nil {
		return fmt.Errorf("read which indexes are missing: %w", err)
	}
	missing, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
	if err != nil {
		return fmt.Errorf("read which indexes are missing: %w", err)
	}
	for _, ix := range missing {
		name := pgx.Identifier{ix.Own}.Sanitize()
		for _, statement := range []string{"DROP INDEX CONCURRENTLY IF EXISTS " + name, ix.Statement} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("build the index %s: %w", ix.Own, err)
			}
		}
		attach := fmt.Sprintf("SET LOCAL lock_timeout = %d; ALTER INDEX %s ATTACH PARTITION %s", lockTimeout.Milliseconds(), ix.Parent, name)
		if err := patiently(ctx, func() error { _, err := conn.Exec(ctx, attach); return err }); err != nil {
			return fmt.Errorf("put the index %s in its place: %w", ix.Own, err)
		}
	}
	return nil
}
