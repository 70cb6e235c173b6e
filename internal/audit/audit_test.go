package audit_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestEveryColumnIsClassified holds Fields against the schema, both ways.
func TestEveryColumnIsClassified(t *testing.T) {
	t.Parallel()
	conn := testkit.Tx(t)
	for table, fields := range audit.Fields {
		rows, err := conn.Query(context.Background(), "SELECT column_name FROM information_schema.columns WHERE table_name = $1", table)
		require.NoError(t, err)
		columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Len(t, columns, len(fields), table)
		for _, column := range columns {
			require.NotZero(t, fields[column], "%s.%s has no treatment", table, column)
		}
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	before := db.CoreRole{ID: 3, Name: "Nurse", Description: "old", Version: 1}
	after := before
	after.Description, after.Version = "new", 2

	edited, err := audit.Entry{Object: "role", Before: before, After: after}.Details()
	require.NoError(t, err)
	require.JSONEq(t, `{"before": {"description": "old"}, "after": {"description": "new"}}`, string(edited))

	deleted, err := audit.Entry{Object: "role", Before: before}.Details()
	require.NoError(t, err)
	require.JSONEq(t, `{"before": {"id": 3, "name": "Nurse", "description": "old", "is_builtin": false}}`, string(deleted))

	none, err := audit.Entry{Object: "role"}.Details()
	require.NoError(t, err)
	require.Nil(t, none)
}

func TestSecretsAreWithheld(t *testing.T) {
	t.Parallel()
	before, after := db.CoreUser{Password: "$argon2id$one"}, db.CoreUser{Password: "$argon2id$two"}
	details, err := audit.Entry{Object: "user", Before: before, After: after}.Details()
	require.NoError(t, err)
	require.JSONEq(t, `{"before": {"password": "(withheld)"}, "after": {"password": "(withheld)"}}`, string(details))
}

func TestUnclassifiedIsRefused(t *testing.T) {
	t.Parallel()
	_, err := audit.Entry{Object: "secret_table", After: struct{}{}}.Details()
	require.Error(t, err)
	_, err = audit.Entry{Object: "role", After: map[string]int{"colour": 1}}.Details()
	require.Error(t, err)
}
