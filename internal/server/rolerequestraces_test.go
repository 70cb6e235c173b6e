package server_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestRoleRequestRaces holds that a request is made once and decided once, whoever else
// is at it at the same moment.
func TestRoleRequestRaces(t *testing.T) {
	t.Parallel()

	t.Run("many Admins decide one request", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		var admins []caller
		for range 8 {
			admins = append(admins, b.as("Admin"))
		}
		for range 4 {
			asking := b.as("")
			q := testkit.RoleChangeRequest(t, b.db, asking.user.ID, "Nurse")
			counts, answers := atOnce(24, func(i int) answer {
				return admins[i%8].call("POST", roleRequestPath(q.ID)+[]string{"approve/", "reject/"}[i/8%2], nil)
			})
			require.Equal(t, map[int]int{200: 1, 409: 23}, counts)
			for _, a := range answers {
				if a.status == 200 {
					require.Equal(t, map[any]string{"approved": "Nurse", "rejected": ""}[a.body["status"]], roleOf(b, asking.user.ID))
				}
			}
			require.Equal(t, []string{"role_decision"}, notified(b, asking.user.ID), "told once")
			require.Equal(t, []string{"role_decision"}, actionsOn(b, "rolechangerequest", q.ID), "recorded once")
		}
	})

	t.Run("one asks many times", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin, asking := b.as("Admin"), b.as("")
		nurse := roleID(t, b, "Nurse")
		counts, _ := atOnce(16, func(int) answer { return asking.call("POST", rolePath, asks(nurse)) })
		require.Equal(t, map[int]int{201: 1, 409: 15}, counts)
		require.Equal(t, []string{"role_request"}, notified(b, admin.user.ID))
	})

	t.Run("it is decided while it is changed, deleted and asked again", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admins := []caller{b.as("Admin"), b.as("Admin"), b.as("Admin")}
		roles := []int64{roleID(t, b, "Nurse"), roleID(t, b, "Doctor"), roleID(t, b, "Pharmacist")}
		for range 6 {
			asking := b.as("")
			path := roleRequestPath(testkit.RoleChangeRequest(t, b.db, asking.user.ID, "Nurse").ID)
			counts, _ := atOnce(24, func(i int) answer {
				switch i % 6 {
				case 0:
					return admins[i%3].call("POST", path+"approve/", nil)
				case 1:
					return asking.call("PATCH", path, map[string]any{"requested_role": roles[i%3]})
				case 2:
					return asking.call("POST", rolePath, asks(roles[i/6%3]))
				case 3:
					return admins[i%3].call("POST", rolePath+"assign_role/", map[string]any{"user_id": asking.user.ID, "role_id": roles[i/6%3]})
				case 4:
					return admins[i%3].call("PATCH", fmt.Sprintf("/api/users/%d/", asking.user.ID), map[string]any{"first_name": fmt.Sprint(i)})
				}
				return admins[i%3].call("DELETE", path, nil)
			})
			require.Equal(t, 24, counts[200]+counts[201]+counts[204]+counts[404]+counts[409], "%v", counts)
		}
	})

	t.Run("the last two Admins approve each other's farewell", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admins := []caller{b.as("Admin"), b.as("Admin")}
		var paths []string
		for _, a := range admins {
			paths = append(paths, roleRequestPath(testkit.RoleChangeRequest(t, b.db, a.user.ID, "Doctor").ID))
		}
		counts, _ := atOnce(2, func(i int) answer { return admins[i].call("POST", paths[1-i]+"approve/", nil) })
		require.Equal(t, 1, counts[200], counts)
		var left int
		require.NoError(t, b.db.QueryRow(t.Context(), `SELECT count(*) FROM core_user u JOIN core_role r ON r.id = u.role_id
			WHERE r.name = 'Admin' AND u.is_active`).Scan(&left))
		require.Equal(t, 1, left)
	})
}
