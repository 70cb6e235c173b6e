package server_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/internal/testkit"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("a role's whole life", func(t *testing.T) {
		t.Parallel()
		admin := setup(t).as("Admin")
		name := testkit.Unique("Technician")
		created, err := admin.CreateRoleWithResponse(ctx, nil, client.RoleWrite{Name: name})
		require.NoError(t, err)
		require.NotNil(t, created.JSON201, string(created.Body))
		role := *created.JSON201
		require.Equal(t, client.Role{ID: role.ID, Name: name, Version: 1}, role)
		require.Equal(t, `"1"`, created.HTTPResponse.Header.Get("ETag"))

		path := fmt.Sprintf("/api/roles/%d/", role.ID)
		patched := admin.call("PATCH", path, map[string]any{"description": "Laboratory"}, "If-Match", `W/"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, name, patched.body["name"])
		require.Equal(t, "Laboratory", patched.body["description"])
		admin.call("PATCH", path, map[string]any{"description": "Late"}, "If-Match", `"1"`).refused(t, 412, "stale")

		replaced := admin.call("PUT", path, map[string]any{"name": name + "s"})
		require.Equal(t, 200, replaced.status)
		require.Equal(t, "", replaced.body["description"], "PUT empties what is left out")
		require.Equal(t, `"3"`, replaced.header.Get("ETag"))

		read := admin.call("GET", path, nil)
		require.Equal(t, replaced.raw, read.raw)
		require.Equal(t, http.StatusNoContent, admin.call("DELETE", path, nil, "If-Match", `"3"`).status)
		admin.call("GET", path, nil).refused(t, 404, "not_found")
	})

	t.Run("built-in and held roles stay", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		var doctor int64
		require.NoError(t, b.db.QueryRow(ctx, "SELECT id FROM core_role WHERE name = 'Doctor'").Scan(&doctor))
		path := fmt.Sprintf("/api/roles/%d/", doctor)
		admin.call("DELETE", path, nil).refused(t, 409, "builtin_role")
		admin.call("PATCH", path, map[string]any{"name": "Physician"}).refused(t, 409, "builtin_role")
		require.Equal(t, 200, admin.call("PATCH", path, map[string]any{"description": "Physicians"}).status)

		held := admin.call("POST", "/api/roles/", map[string]any{"name": testkit.Unique("Held")})
		b.as(held.body["name"].(string))
		admin.call("DELETE", fmt.Sprintf("/api/roles/%v/", held.body["id"]), nil).refused(t, 409, "role_in_use")
		admin.call("POST", "/api/roles/", map[string]any{"name": held.body["name"]}).refused(t, 409, "role_name_taken")
	})

	t.Run("listing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		roleless := b.as("")
		page := roleless.call("GET", "/api/roles/?search=&page_size=4", nil)
		require.Equal(t, 200, page.status, page.raw)
		require.EqualValues(t, 6, page.body["count"])
		require.Len(t, page.body["results"], 4)
		require.Equal(t, "Admin", page.body["results"].([]any)[0].(map[string]any)["name"])
		found := roleless.call("GET", "/api/roles/?search=RECEP&ordering=-name", nil)
		require.EqualValues(t, 1, found.body["count"])
	})

	t.Run("bad input", func(t *testing.T) {
		t.Parallel()
		admin := setup(t).as("Admin")
		admin.call("GET", "/api/roles/?ordering=colour", nil).refused(t, 400, "invalid")
		admin.call("POST", "/api/roles/", map[string]any{}).refused(t, 400, "invalid")
		admin.call("PUT", "/api/roles/1/", map[string]any{"id": 3}).refused(t, 400, "invalid")
		admin.call("DELETE", "/api/roles/999999/", nil).refused(t, 404, "not_found")
	})
}
