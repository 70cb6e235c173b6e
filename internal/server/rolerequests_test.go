package server_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/gen/db"
	"chelal/internal/testkit"
)

const rolePath = "/api/role-change-requests/"

func asks(role int64) map[string]any {
	return map[string]any{"requested_role": role, "reason": "I begin on Monday."}
}

func roleRequestPath(id any) string { return fmt.Sprintf("%s%v/", rolePath, id) }

// roleOf is the name of the role that a user has, "" without one.
func roleOf(b *bundle, userID int64) string {
	b.t.Helper()
	var name string
	require.NoError(b.t, b.db.QueryRow(b.t.Context(),
		"SELECT coalesce(r.name, '') FROM core_user u LEFT JOIN core_role r ON r.id = u.role_id WHERE u.id = $1", userID).Scan(&name))
	return name
}

// notified are the types of a user's notifications, the first first.
func notified(b *bundle, userID int64) []string {
	b.t.Helper()
	var types []string
	require.NoError(b.t, b.db.QueryRow(b.t.Context(),
		"SELECT coalesce(array_agg(type ORDER BY id), '{}') FROM core_notification WHERE user_id = $1", userID).Scan(&types))
	return types
}

func TestRoleChangeRequests(t *testing.T) {
	t.Parallel()

	t.Run("from the question to the role", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, samuel := b.as("Admin"), b.as("")
		nurse := roleID(t, b, "Nurse")
		samuel.call("GET", "/api/patients/", nil).refused(t, 403, "forbidden")

		made := samuel.call("POST", rolePath, asks(nurse), "Idempotency-Key", "k")
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, made.raw, samuel.call("POST", rolePath, asks(nurse), "Idempotency-Key", "k").raw)
		require.Equal(t, `"1"`, made.header.Get("ETag"))
		for property, want := range map[string]any{
			"user": float64(samuel.user.ID), "user_name": samuel.user.FirstName + " " + samuel.user.LastName, "requested_role": float64(nurse),
			"requested_role_name": "Nurse", "status": "pending", "reviewed_by": nil, "reviewed_by_name": nil, "review_notes": "",
		} {
			require.Equal(t, want, made.body[property], property)
		}
		require.Equal(t, []string{"role_request"}, notified(b, admin.user.ID))
		require.Empty(t, notified(b, samuel.user.ID))

		path := roleRequestPath(made.body["id"])
		approved := admin.call("POST", path+"approve/", map[string]any{"review_notes": "Welcome."}, "If-Match", `"1"`, "Idempotency-Key", "k")
		require.Equal(t, 200, approved.status, approved.raw)
		require.Equal(t, []any{"approved", float64(admin.user.ID), "Welcome.", 2.0},
			[]any{approved.body["status"], approved.body["reviewed_by"], approved.body["review_notes"], approved.body["version"]})
		require.Equal(t, `"2"`, approved.header.Get("ETag"))
		require.Equal(t, approved.raw, admin.call("POST", path+"approve/", map[string]any{"review_notes": "Welcome."}, "If-Match", `"1"`, "Idempotency-Key", "k").raw)

		require.Equal(t, 200, samuel.call("GET", "/api/patients/", nil).status, "the session knows the new role at once")
		require.Equal(t, []string{"role_decision"}, notified(b, samuel.user.ID))
		require.Equal(t, []string{"create", "role_decision"}, actionsOn(b, "rolechangerequest", made.body["id"]))
		require.Equal(t, []string{"edit"}, actionsOn(b, "user", samuel.user.ID))
		require.Equal(t, approved.raw, samuel.call("GET", path, nil).raw)

		for _, again := range []string{"approve/", "reject/"} {
			admin.call("POST", path+again, nil).refused(t, 409, "already_decided")
		}
		samuel.call("PATCH", path, `{"reason": "Still."}`).refused(t, 409, "already_decided")
		samuel.call("PUT", path, asks(nurse)).refused(t, 409, "already_decided")
		samuel.call("POST", rolePath, asks(nurse)).refused(t, 409, "role_held")
	})

	t.Run("rejected", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, asking := b.as("Admin"), b.as("Nurse")
		q := testkit.RoleChangeRequest(t, b.db, asking.user.ID, "Doctor")
		rejected := admin.call("POST", roleRequestPath(q.ID)+"reject/", nil)
		require.Equal(t, 200, rejected.status, rejected.raw)
		require.Equal(t, "rejected", rejected.body["status"])
		require.Equal(t, "Nurse", roleOf(b, asking.user.ID))
		require.Equal(t, []string{"role_decision"}, notified(b, asking.user.ID))
		admin.call("POST", roleRequestPath(q.ID)+"approve/", nil).refused(t, 409, "already_decided")
		require.Equal(t, "Nurse", roleOf(b, asking.user.ID))
		require.Equal(t, 201, asking.call("POST", rolePath, asks(q.RequestedRoleID)).status, "a rejected request does not keep from asking again")
	})

	t.Run("told in the own language, with what the Admin wrote", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, asking := b.as("Admin"), b.as("")
		execute(t, b, "UPDATE core_user SET language_preference = 'fr' WHERE id = $1", asking.user.ID)
		execute(t, b, "UPDATE core_user SET language_preference = 'sw' WHERE id = $1", admin.user.ID)
		made := asking.call("POST", rolePath, asks(roleID(t, b, "Nurse")))
		require.Equal(t, 201, made.status, made.raw)
		message := func(c caller) any {
			return c.call("GET", "/api/notifications/", nil).body["results"].([]any)[0].(map[string]any)["message"]
		}
		require.Equal(t, fmt.Sprintf("%s %s anaomba jukumu la Nurse.", asking.user.FirstName, asking.user.LastName), message(admin))
		require.Equal(t, 200, admin.call("POST", roleRequestPath(made.body["id"])+"approve/", map[string]any{"review_notes": "Bienvenue !"}).status)
		require.Equal(t, "Vous avez maintenant le rôle Nurse.\nBienvenue !", message(asking))
	})

	t.Run("one request a role at a time", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		asking := b.as("")
		first := asking.call("POST", rolePath, asks(roleID(t, b, "Nurse")))
		require.Equal(t, 201, first.status, first.raw)
		require.Equal(t, map[string]string{"requested_role": "request_pending"},
			asking.call("POST", rolePath, asks(roleID(t, b, "Nurse"))).refused(t, 409, "request_pending").fields())
		second := asking.call("POST", rolePath, asks(roleID(t, b, "Doctor")))
		require.Equal(t, 201, second.status, second.raw)
		asking.call("PATCH", roleRequestPath(second.body["id"]), asks(roleID(t, b, "Nurse"))).refused(t, 409, "request_pending")
		require.Equal(t, 201, b.as("").call("POST", rolePath, asks(roleID(t, b, "Nurse"))).status)
	})

	t.Run("the owner corrects it while it is pending", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, asking := b.as("Admin"), b.as("")
		made := asking.call("POST", rolePath, asks(roleID(t, b, "Nurse")))
		path := roleRequestPath(made.body["id"])
		patched := asking.call("PATCH", path, `{"reason": "From Tuesday on."}`, "If-Match", `"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, []any{"Nurse", "From Tuesday on.", 2.0},
			[]any{patched.body["requested_role_name"], patched.body["reason"], patched.body["version"]})
		require.Equal(t, []string{"role_request"}, notified(b, admin.user.ID))
		replaced := asking.call("PUT", path, asks(roleID(t, b, "Receptionist")), "If-Match", `"2"`)
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, "Receptionist", replaced.body["requested_role_name"])
		require.Equal(t, []string{"role_request", "role_request"}, notified(b, admin.user.ID), "another role is another question")
		asking.call("PATCH", path, `{"reason": "x"}`, "If-Match", `"2"`).refused(t, 412, "stale")
		admin.call("POST", path+"approve/", nil, "If-Match", `"1"`).refused(t, 412, "stale")
		admin.call("POST", path+"reject/", nil, "If-Match", `"1"`).refused(t, 412, "stale")
		require.Equal(t, "", roleOf(b, asking.user.ID), "an Admin decides what they have seen")
		require.Equal(t, 200, admin.call("PATCH", path, `{"reason": "As agreed."}`).status)
		require.Equal(t, []string{"create", "edit", "edit", "edit"}, actionsOn(b, "rolechangerequest", made.body["id"]))
	})

	t.Run("other people's are not there", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, asking := b.as("Admin"), b.as("")
		path := roleRequestPath(testkit.RoleChangeRequest(t, b.db, asking.user.ID, "Nurse").ID)
		for _, role := range []string{"", "Patient", "Doctor", "Receptionist"} {
			other := b.as(role)
			other.call("GET", path, nil).refused(t, 404, "not_found")
			other.call("PATCH", path, `{"reason": "x"}`).refused(t, 404, "not_found")
			other.call("PUT", path, asks(roleID(t, b, "Admin"))).refused(t, 404, "not_found")
			other.call("POST", path+"approve/", nil).refused(t, 403, "forbidden")
			other.call("POST", path+"reject/", nil).refused(t, 403, "forbidden")
			other.call("DELETE", path, nil).refused(t, 403, "forbidden")
			require.EqualValues(t, 0, other.call("GET", rolePath, nil).body["count"])
		}
		asking.call("DELETE", path, nil).refused(t, 403, "forbidden")
		asking.call("POST", path+"approve/", nil).refused(t, 403, "forbidden")
		admin.call("DELETE", path, nil, "If-Match", `"7"`).refused(t, 412, "stale")
		require.Equal(t, 204, admin.call("DELETE", path, nil, "If-Match", `"1"`).status)
		admin.call("GET", path, nil).refused(t, 404, "not_found")
		for _, action := range []string{"approve/", "reject/"} {
			admin.call("POST", path+action, nil).refused(t, 404, "not_found")
		}
	})

	t.Run("nobody decides an own request", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, colleague := b.as("Admin"), b.as("Admin")
		made := admin.call("POST", rolePath, asks(roleID(t, b, "Doctor")))
		require.Equal(t, 201, made.status, made.raw)
		path := roleRequestPath(made.body["id"])
		admin.call("POST", path+"approve/", nil).refused(t, 403, "own_request")
		admin.call("POST", path+"reject/", nil).refused(t, 403, "own_request")
		require.Equal(t, 200, colleague.call("POST", path+"approve/", nil).status)
		require.Equal(t, "Doctor", roleOf(b, admin.user.ID))
		admin.call("DELETE", path, nil).refused(t, 403, "forbidden")
		_, err := b.db.Exec(t.Context(), "UPDATE core_rolechangerequest SET reviewed_by_id = user_id")
		require.ErrorContains(t, err, "core_rolechangerequest_reviewer_check", "whatever program writes")
	})

	t.Run("bad input names every field and changes nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		asking := b.as("")
		require.Equal(t, map[string]string{
			"requested_role": "wrong_type", "reason": "required", "status": "read_only", "user": "read_only", "colour": "unknown_property",
		}, asking.call("POST", rolePath, `{"requested_role": "Admin", "status": "approved", "user": 1, "colour": "red"}`).
			refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"requested_role": "does_not_exist"}, asking.call("POST", rolePath, asks(987654321)).refused(t, 400, "invalid").fields())
		path := roleRequestPath(testkit.RoleChangeRequest(t, b.db, asking.user.ID, "Nurse").ID)
		require.Equal(t, map[string]string{"status": "read_only", "review_notes": "read_only"},
			asking.call("PATCH", path, `{"status": "approved", "review_notes": "x"}`).refused(t, 400, "invalid").fields())
		asking.call("PATCH", path, `{"requested_role": 987654321}`).refused(t, 400, "invalid")
		asking.call("PUT", path, `{"reason": "x"}`).refused(t, 400, "invalid")
		require.EqualValues(t, 1, asking.call("GET", path, nil).body["version"])
		admin := b.as("Admin")
		admin.call("POST", path+"approve/", `{"admin_response": "x"}`).refused(t, 400, "invalid")
		admin.call("POST", path+"reject/", `{"review_notes": 7}`).refused(t, 400, "invalid")
		admin.call("GET", rolePath+"x/", nil).refused(t, 404, "not_found")
		admin.call("DELETE", rolePath+"x/", nil).refused(t, 404, "not_found")
		require.Empty(t, notified(b, admin.user.ID))
	})

	t.Run("filters, search, order and cursor", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		users := []db.CoreUser{testkit.User(t, b.db, ""), testkit.User(t, b.db, "Nurse"), testkit.User(t, b.db, "")}
		for i, role := range []string{"Nurse", "Doctor", "Nurse", "Doctor", "Pharmacist"} {
			q := testkit.RoleChangeRequest(t, b.db, users[i%3].ID, role)
			if i > 2 {
				require.Equal(t, 200, admin.call("POST", roleRequestPath(q.ID)+"reject/", nil).status)
			}
		}
		for query, want := range map[string]int{
			"": 5, "status=pending": 3, "status=rejected": 2, "status=approved": 0, "user=me": 0, fmt.Sprintf("user=%d", users[0].ID): 2,
			fmt.Sprintf("requested_role=%d", roleID(t, b, "Doctor")): 2, "search=" + users[1].LastName: 2, "search=" + users[2].Username: 1,
			"status=pending&search=" + users[1].LastName: 1, fmt.Sprintf("user=%d&status=pending", users[2].ID): 1,
		} {
			list := admin.call("GET", rolePath+"?"+query, nil)
			require.EqualValues(t, want, list.body["count"], "%s: %s", query, list.raw)
		}
		require.EqualValues(t, 2, b.asUser(users[0]).call("GET", rolePath, nil).body["count"])
		require.EqualValues(t, 0, b.asUser(users[0]).call("GET", fmt.Sprintf("%s?user=%d", rolePath, users[1].ID), nil).body["count"])
		for _, ordering := range []string{"created_at", "-created_at", "id", "-id"} {
			ids := walk(t, admin, rolePath+"?page_size=2&ordering="+ordering, "id")
			require.Len(t, ids, 5)
			require.Equal(t, ordering[0] == '-', ids[0].(float64) > ids[4].(float64), ordering)
		}
		admin.call("GET", rolePath+"?status=open&user=nobody", nil).refused(t, 400, "invalid")
		typed, err := admin.ListRoleChangeRequestsWithResponse(t.Context(), &client.ListRoleChangeRequestsParams{})
		require.NoError(t, err)
		require.Len(t, typed.JSON200.Results, 5)
	})
}

func TestAssignRole(t *testing.T) {
	t.Parallel()
	const path = rolePath + "assign_role/"

	t.Run("a role without a request", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin, samuel := b.as("Admin"), b.as("")
		body := map[string]any{"user_id": samuel.user.ID, "role_id": roleID(t, b, "Pharmacist")}
		given := admin.call("POST", path, body, "Idempotency-Key", "k")
		require.Equal(t, 200, given.status, given.raw)
		require.Equal(t, map[string]any{"message": "Role assigned successfully to " + samuel.user.Username}, given.body)
		require.Equal(t, given.raw, admin.call("POST", path, body, "Idempotency-Key", "k").raw)
		require.Equal(t, "Pharmacist", roleOf(b, samuel.user.ID))
		require.Equal(t, 200, samuel.call("GET", "/api/patients/", nil).status)
		require.Equal(t, []string{"role_decision"}, notified(b, samuel.user.ID), "told once")
		require.Equal(t, 200, admin.call("POST", path, body).status)
		require.Equal(t, []string{"role_decision"}, notified(b, samuel.user.ID), "a role that is held is not given again")
		require.Equal(t, []string{"role_decision"}, actionsOn(b, "user", samuel.user.ID))
	})

	t.Run("bad input", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		require.Equal(t, map[string]string{"user_id": "does_not_exist", "role_id": "does_not_exist"},
			admin.call("POST", path, `{"user_id": 987654321, "role_id": 987654321}`).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"user_id": "wrong_type", "role_id": "required"},
			admin.call("POST", path, `{"user_id": "x"}`).refused(t, 400, "invalid").fields())
		b.as("Doctor").call("POST", path, map[string]any{"user_id": 1, "role_id": 1}).refused(t, 403, "forbidden")
	})

	t.Run("the last Admin stays one", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t)) // nobody else's Admins
		admin := b.as("Admin")
		body := map[string]any{"user_id": admin.user.ID, "role_id": roleID(t, b, "Nurse")}
		admin.call("POST", path, body).refused(t, 409, "last_admin")
		require.Equal(t, "Admin", roleOf(b, admin.user.ID))
		b.as("Admin")
		require.Equal(t, 200, admin.call("POST", path, body).status)
		admin.call("POST", path, body).refused(t, 403, "forbidden")
	})
}

// TestRegistrationAsksForARole registers with a role: it is asked for, with the account or
// not at all.
func TestRegistrationAsksForARole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.as("Admin")
	name := testkit.Unique("samuel")
	made := b.nobody().call("POST", "/api/register/", map[string]any{
		"username": name, "password": "secure words 12", "role_id": roleID(t, b, "Nurse"), "reason": "I begin on Monday.",
	})
	require.Equal(t, 201, made.status, made.raw)
	list := admin.call("GET", rolePath+"?status=pending&search="+name, nil)
	require.Len(t, list.body["results"], 1, list.raw)
	request := list.body["results"].([]any)[0].(map[string]any)
	require.Equal(t, []any{name, "Nurse", "I begin on Monday."}, []any{request["user_name"], request["requested_role_name"], request["reason"]})
	require.Equal(t, []string{"role_request"}, notified(b, admin.user.ID))
	require.Equal(t, 200, admin.call("POST", roleRequestPath(request["id"])+"approve/", nil).status)

	other := testkit.Unique("other")
	require.Equal(t, map[string]string{"role_id": "does_not_exist"}, b.nobody().call("POST", "/api/register/", map[string]any{
		"username": other, "password": "secure words 12", "role_id": 987654321,
	}).refused(t, 400, "invalid").fields())
	require.EqualValues(t, 0, admin.call("GET", "/api/users/?search="+other, nil).body["count"])
	require.Equal(t, []string{"role_request"}, notified(b, admin.user.ID))
}
