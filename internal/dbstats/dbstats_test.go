package dbstats_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/dbstats"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestLook(t *testing.T) {
	t.Parallel()
	pool, ctx := testkit.Pool(t), t.Context()
	do := func(sql string) {
		t.Helper()
		_, err := pool.Exec(ctx, sql)
		require.NoError(t, err)
	}
	// cell is what a table says in a column of the row that begins with first.
	cell := func(title, first, column string) string {
		t.Helper()
		tables, err := dbstats.Look(ctx, pool, 1000)
		require.NoError(t, err)
		for _, table := range tables {
			for _, row := range table.Rows {
				require.Len(t, row, len(table.Columns))
				for i, name := range table.Columns {
					if table.Title == title && row[0] == first && name == column {
						return row[i]
					}
				}
			}
		}
		return ""
	}

	require.NotEmpty(t, cell("Connections", "active", "connections"))
	require.NotEmpty(t, cell("Tables by size", "core_patient", "with indexes"))
	require.NotEmpty(t, cell("Indexes by use", "core_user_pkey", "scans"))
	require.NotEmpty(t, cell("Indexes that nothing has used", "core_bill_encounter_idx", "size"))
	require.Empty(t, cell("Indexes that nothing has used", "core_user_pkey", "size"), "a key is not there to be scanned alone")

	const lag = "What is still to be folded, sealed and sent"
	require.Equal(t, "0", cell(lag, "rows of the audit log without a seal", "rows"))
	do("INSERT INTO core_auditlog (user_id, action) VALUES (1, 'create')")
	require.Equal(t, "1", cell(lag, "rows of the audit log without a seal", "rows"))
	require.Equal(t, "1", cell(lag, "differences of figures", "rows"))
	do("INSERT INTO core_event (topic, type) VALUES ('access', 'x')")
	require.Equal(t, "1", cell(lag, "events that nobody was told of", "rows"))
	do(`INSERT INTO core_auditseal (era, from_xid, to_xid, partition_name, row_count, sealed_at, content, hash, signature)
		SELECT era, '0', (xid::text::bigint + 1)::text::xid8, 'x', 1, now(), '', '', '' FROM core_auditlog`)
	require.Equal(t, "0", cell(lag, "rows of the audit log without a seal", "rows"))

	do("INSERT INTO river.river_job (kind, args, max_attempts, state, scheduled_at) VALUES ('mail', '{}', 3, 'available', now() - interval '90 minutes')")
	require.Equal(t, "1", cell("Background jobs", "mail", "jobs"))
	require.Contains(t, cell("Background jobs", "mail", "oldest has waited"), "01:30:0")

	do("CREATE TABLE spare AS SELECT generate_series(1, 5000) AS n; DELETE FROM spare WHERE n > 10")
	require.Eventually(t, func() bool { return cell("Tables that want a vacuum", "spare", "dead rows") == "4990" }, time.Minute, 100*time.Millisecond)

	const bloat = "Bloat, estimated (more than a fifth and 1 MB)"
	do("CREATE TABLE holes AS SELECT generate_series(1, 200000) AS n; CREATE INDEX holes_idx ON holes (n); ANALYZE holes")
	require.Empty(t, cell(bloat, "holes", "share"))
	do("DELETE FROM holes WHERE n % 2 = 0")
	do("VACUUM ANALYZE holes")
	for _, name := range []string{"holes", "holes_idx"} {
		require.Regexp(t, "^(4|5)[0-9] %$", cell(bloat, name, "share"), name)
	}

	tables, err := dbstats.Look(ctx, pool, 3)
	require.NoError(t, err)
	noted := 0
	for _, table := range tables {
		switch table.Title {
		case "Tables by size", "Indexes by use":
			require.Len(t, table.Rows, 3)
		case "Slow statements":
			require.Equal(t, len(table.Rows) == 0, table.Note != "")
			noted++
		}
	}
	require.Equal(t, 1, noted)
}
