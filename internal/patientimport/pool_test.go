package patientimport

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func count(t *testing.T, pool *pgxpool.Pool, table string) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(context.Background(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// requireEmpty fails where an import has left anything behind.
func requireEmpty(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, table := range []string{"core_patient", "core_patientidentifier", "core_auditlog"} {
		require.Zero(t, count(t, pool, table), table)
	}
}

func collect(t *testing.T, rows pgx.Rows) []string {
	t.Helper()
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return lines
}
