package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// badAmounts are what no amount of money may be, as JSON.
var badAmounts = []string{
	`1.005`, `"1.005"`, `1e400000000`, `1e-400000000`, `-1`, `"-1"`, `-0.01`, `"1,50"`, `"1."`, `".5"`, `" "`, `""`, `null`, `true`, `[]`,
	`100000000`, `"100000000"`, `99999999.991`, `"NaN"`, `"1e2"`, `0.1e-1000000000000000000000`, `"` + strings.Repeat("9", 1000) + `"`,
}

// walk follows a list's cursor to its end and returns a property of every row.
func walk(t testing.TB, c caller, path, property string) []any {
	t.Helper()
	var seen []any
	next := any(path + "&cursor=")
	for next != nil {
		page := c.call("GET", strings.TrimPrefix(next.(string), base), nil)
		require.Equal(t, 200, page.status, page.raw)
		for _, row := range page.body["results"].([]any) {
			seen = append(seen, row.(map[string]any)[property])
		}
		next = page.body["next"]
	}
	return seen
}

// actions are what the audit log says was done with a row.
func actions(b *bundle, object string, id any) []string {
	b.t.Helper()
	rows, err := b.db.Query(b.t.Context(), `SELECT action FROM core_auditlog WHERE object_type = $1 AND object_id = $2 ORDER BY id`,
		object, fmt.Sprint(id))
	require.NoError(b.t, err)
	var log []string
	for rows.Next() {
		var action string
		require.NoError(b.t, rows.Scan(&action))
		log = append(log, action)
	}
	require.NoError(b.t, rows.Err())
	return log
}
