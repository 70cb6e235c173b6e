package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestWhatStaysIsNotWritten holds of every record of the contract that a PUT or a PATCH which
// wants it as it is already makes no new version of it and no row of the audit log.
func TestWhatStaysIsNotWritten(t *testing.T) {
	t.Parallel()
	records := 0
	for path, item := range testkit.Contract().Paths.Map() {
		if item.Patch == nil || !strings.Contains(path, "{id}") || !hasVersion(item.Patch) {
			continue
		}
		records++
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			admin, id := actor(b, "Admin", "foreign", path)
			path := strings.ReplaceAll(path, "{id}", fmt.Sprint(id))
			settled := admin.call("PATCH", path, map[string]any{}) // what a factory leaves open is settled now
			require.Equal(t, 200, settled.status, settled.raw)
			before := admin.call("GET", path, nil)
			edits := auditedEdits(b)
			b.now = b.now.Add(1)
			for method, op := range map[string]*openapi3.Operation{"PATCH": item.Patch, "PUT": item.Put} {
				same := sameAgain(op, before.body)
				if method == "PATCH" {
					require.NotEmpty(t, same)
				}
				for _, body := range []map[string]any{same, {}} {
					if method == "PUT" && len(body) == 0 {
						continue
					}
					after := admin.call(method, path, body)
					require.Equal(t, 200, after.status, after.raw)
					require.Equal(t, [2]string{before.raw, before.header.Get("ETag")}, [2]string{after.raw, after.header.Get("ETag")}, method)
				}
			}
			require.Equal(t, edits, auditedEdits(b))
			admin.call("PATCH", path, map[string]any{}, "If-Match", `"0"`).refused(t, 412, "stale")
		})
	}
	require.Greater(t, records, 9)
}

func hasVersion(op *openapi3.Operation) bool {
	return op.Responses.Value("200").Value.Content.Get("application/json").Schema.Value.Properties["version"] != nil
}

// sameAgain is a body that says what an answer says. Only a role has another name in it.
func sameAgain(op *openapi3.Operation, answered map[string]any) map[string]any {
	body := map[string]any{}
	for name := range op.RequestBody.Value.Content.Get("application/json").Schema.Value.Properties {
		if value, ok := answered[name]; ok {
			body[name] = value
		}
		if role, ok := answered["role"].(map[string]any); ok && name == "role_id" {
			body[name] = role["id"]
		}
	}
	return body
}

func auditedEdits(b *bundle) (n int) {
	require.NoError(b.t, b.db.QueryRow(context.Background(), "SELECT count(*) FROM core_auditlog WHERE action = 'edit'").Scan(&n))
	return n
}
