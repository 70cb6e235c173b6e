package server_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

func roleID(t testing.TB, b *bundle, name string) int64 {
	t.Helper()
	var id int64
	require.NoError(t, b.db.QueryRow(context.Background(), "SELECT id FROM core_role WHERE name = $1", name).Scan(&id))
	return id
}

func TestUsers(t *testing.T) {
	t.Parallel()

	t.Run("an account's whole life", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		name := testkit.Unique("nurse")
		made := admin.call("POST", "/api/users/", map[string]any{
			"username": name, "email": name + "@Example.org", "role_id": roleID(t, b, "Nurse"), "password": "first words of all",
			"preferences": map[string]any{"theme": "dark"},
		})
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, "Nurse", made.body["role"].(map[string]any)["name"])
		require.Equal(t, true, made.body["password_change_required"])
		require.NotContains(t, made.raw, "first words")
		require.Equal(t, map[string]any{"theme": "dark"}, made.body["preferences"])

		path := fmt.Sprintf("/api/users/%v/", made.body["id"])
		patched := admin.call("PATCH", path, map[string]any{"first_name": "Ada", "role_id": nil}, "If-Match", `"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Nil(t, patched.body["role"])
		require.Equal(t, made.body["email"], patched.body["email"])

		replaced := admin.call("PUT", path, map[string]any{"username": name})
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, "", replaced.body["email"])
		require.Equal(t, "", replaced.body["first_name"])
		require.Equal(t, map[string]any{}, replaced.body["preferences"])
		require.Equal(t, replaced.raw, admin.call("GET", path, nil).raw)
		require.Equal(t, 204, admin.call("DELETE", path, nil).status)
		admin.call("GET", path, nil).refused(t, 404, "not_found")
	})

	t.Run("others see little", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		nurse, other := b.as("Nurse"), testkit.User(t, b.db, "Doctor")
		seen := nurse.call("GET", fmt.Sprintf("/api/users/%d/", other.ID), nil)
		require.Equal(t, 200, seen.status, seen.raw)
		require.Equal(t, []string{"first_name", "id", "is_active", "last_name", "role", "username", "version"},
			slices.Sorted(maps.Keys(seen.body)))
		me := nurse.call("GET", "/api/users/me/", nil)
		require.Equal(t, *nurse.user.Email, me.body["email"])
		list := nurse.call("GET", "/api/users/?role=Doctor&is_active=true&search="+other.Username, nil)
		require.EqualValues(t, 1, list.body["count"], list.raw)
		require.NotContains(t, list.raw, "email")
		require.EqualValues(t, 0, nurse.call("GET", "/api/users/?search="+"%40example.org", nil).body["count"],
			"nobody is found by an address that the caller may not see")
	})

	t.Run("the last Admin stays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		path := fmt.Sprintf("/api/users/%d/", admin.user.ID)
		admin.call("PATCH", path, map[string]any{"is_active": false}).refused(t, 409, "last_admin")
		admin.call("PATCH", path, map[string]any{"role_id": nil}).refused(t, 409, "last_admin")
		admin.call("PUT", path, map[string]any{"username": admin.user.Username}).refused(t, 409, "last_admin")
		admin.call("DELETE", path, nil).refused(t, 409, "last_admin")
		testkit.User(t, b.db, "Admin")
		require.Equal(t, 200, admin.call("PATCH", path, map[string]any{"role_id": nil}).status)
		admin.call("GET", path, nil).refused(t, 403, "forbidden")
	})

	t.Run("a deactivation acts at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, nurse := b.as("Admin"), b.as("Nurse")
		path := fmt.Sprintf("/api/users/%d/", nurse.user.ID)
		require.Equal(t, 200, admin.call("PATCH", path, map[string]any{"is_active": false}).status)
		nurse.call("GET", "/api/users/me/", nil).refused(t, 401, "token_not_valid")
		require.Equal(t, 200, admin.call("PATCH", path, map[string]any{"is_active": true}).status)
		nurse.call("GET", "/api/users/me/", nil).refused(t, 401, "token_not_valid")
	})

	t.Run("a user with records stays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, doctor := b.as("Admin"), testkit.User(t, b.db, "Doctor")
		testkit.Appointment(t, b.db, testkit.Patient(t, b.db, nil).ID, doctor.ID, time.Now())
		admin.call("DELETE", fmt.Sprintf("/api/users/%d/", doctor.ID), nil).refused(t, 409, "has_records")
	})

	t.Run("bad input names every field", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, other := b.as("Admin"), testkit.User(t, b.db, "")
		bad := admin.call("POST", "/api/users/", map[string]any{
			"username": "a b", "email": "nobody", "language_preference": "xx", "id": 7, "colour": "red", "is_active": "yes",
		}).refused(t, 400, "invalid")
		require.Equal(t, map[string]string{
			"username": "invalid", "email": "invalid", "language_preference": "invalid_choice", "id": "read_only",
			"colour": "unknown_property", "is_active": "wrong_type",
		}, bad.fields())
		admin.call("POST", "/api/users/", map[string]any{"username": other.Username}).refused(t, 409, "username_taken")
		admin.call("POST", "/api/users/", map[string]any{"username": testkit.Unique("u"), "email": "USER" + (*other.Email)[4:]}).
			refused(t, 409, "email_taken")
		admin.call("POST", "/api/users/", map[string]any{"username": testkit.Unique("u"), "role_id": 999999}).refused(t, 400, "invalid")
		admin.call("POST", "/api/users/", map[string]any{"username": "x@example.org"}).refused(t, 400, "invalid")
		weak := admin.call("POST", "/api/users/", map[string]any{"username": testkit.Unique("u"), "password": "12345"}).refused(t, 400, "invalid")
		require.Contains(t, weak.fields(), "password")
		admin.call("PUT", "/api/users/999999/", map[string]any{"username": "u"}).refused(t, 404, "not_found")
		admin.call("GET", "/api/users/me/?colour=red", nil).refused(t, 400, "invalid")
		admin.call("GET", "/api/users/?is_active=perhaps", nil).refused(t, 400, "invalid")
	})
}
