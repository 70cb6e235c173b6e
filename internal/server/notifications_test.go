package server_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/internal/testkit"
)

func TestNotifications(t *testing.T) {
	t.Parallel()
	const path = "/api/notifications/"
	one := func(id any) string { return fmt.Sprintf("%s%v/", path, id) }

	t.Run("read, marked and deleted by their owner", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		nurse := b.as("Nurse")
		n := testkit.Notification(t, b.db, nurse.user.ID)
		read := nurse.call("GET", one(n.ID), nil)
		require.Equal(t, 200, read.status, read.raw)
		require.Equal(t, `"1"`, read.header.Get("ETag"))
		for property, want := range map[string]any{
			"title": "Low stock", "message": "Amoxicillin is down to 3.", "type": "low_stock", "is_read": false,
			"user": float64(nurse.user.ID), "related_appointment": nil,
		} {
			require.Equal(t, want, read.body[property], property)
		}
		marked := nurse.call("POST", one(n.ID)+"mark_read/", nil, "Idempotency-Key", "k")
		require.Equal(t, 200, marked.status, marked.raw)
		require.Equal(t, map[string]any{"status": "marked as read"}, marked.body)
		require.Equal(t, marked.raw, nurse.call("POST", one(n.ID)+"mark_read/", nil, "Idempotency-Key", "k").raw)
		require.Equal(t, 200, nurse.call("POST", one(n.ID)+"mark_read/", nil).status)
		read = nurse.call("GET", one(n.ID), nil)
		require.Equal(t, []any{true, 2.0}, []any{read.body["is_read"], read.body["version"]}, "marked once")
		nurse.call("DELETE", one(n.ID), nil, "If-Match", `"1"`).refused(t, 412, "stale")
		require.Equal(t, 204, nurse.call("DELETE", one(n.ID), nil, "If-Match", `"2"`).status)
		nurse.call("GET", one(n.ID), nil).refused(t, 404, "not_found")
		require.Equal(t, []string{"delete"}, actionsOn(b, "notification", n.ID))
	})

	t.Run("other people's are not there, for Admins neither", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		n := testkit.Notification(t, b.db, testkit.User(t, b.db, "Nurse").ID)
		for _, role := range []string{"", "Patient", "Doctor", "Admin"} {
			other := b.as(role)
			other.call("GET", one(n.ID), nil).refused(t, 404, "not_found")
			other.call("POST", one(n.ID)+"mark_read/", nil).refused(t, 404, "not_found")
			other.call("DELETE", one(n.ID), nil).refused(t, 404, "not_found")
			require.EqualValues(t, 0, other.call("GET", path, nil).body["count"])
			require.EqualValues(t, 0, other.call("GET", path+"unread_count/", nil).body["unread"])
			require.EqualValues(t, 0, other.call("POST", path+"mark_all_read/", nil).body["marked"])
		}
		var read bool
		require.NoError(t, b.db.QueryRow(t.Context(), "SELECT is_read FROM core_notification WHERE id = $1", n.ID).Scan(&read))
		require.False(t, read)
		for _, call := range [][2]string{{"GET", path}, {"GET", one(n.ID)}, {"GET", path + "unread_count/"}, {"POST", path + "mark_all_read/"},
			{"POST", one(n.ID) + "mark_read/"}, {"DELETE", one(n.ID)}} {
			b.nobody().call(call[0], call[1], nil).refused(t, 401, "not_authenticated")
		}
	})

	t.Run("all at once, and how many are unread", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		nurse := b.as("Nurse")
		var first int64
		for i := range 5 {
			n := testkit.Notification(t, b.db, nurse.user.ID)
			if i == 0 {
				first = n.ID
			}
		}
		stranger := testkit.Notification(t, b.db, testkit.User(t, b.db, "Nurse").ID)
		require.Equal(t, 200, nurse.call("POST", one(first)+"mark_read/", nil).status)
		require.Equal(t, map[string]any{"unread": 4.0}, nurse.call("GET", path+"unread_count/", nil).body)
		all := nurse.call("POST", path+"mark_all_read/", nil, "Idempotency-Key", "k")
		require.Equal(t, map[string]any{"status": "marked as read", "marked": 4.0}, all.body)
		require.Equal(t, all.raw, nurse.call("POST", path+"mark_all_read/", nil, "Idempotency-Key", "k").raw)
		require.EqualValues(t, 0, nurse.call("POST", path+"mark_all_read/", nil).body["marked"])
		require.Equal(t, map[string]any{"unread": 0.0}, nurse.call("GET", path+"unread_count/", nil).body)
		require.EqualValues(t, 2, nurse.call("GET", one(first), nil).body["version"])
		var read bool
		require.NoError(t, b.db.QueryRow(t.Context(), "SELECT is_read FROM core_notification WHERE id = $1", stranger.ID).Scan(&read))
		require.False(t, read)
	})

	t.Run("marked and deleted by many at once", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		nurse := b.as("Nurse")
		n := testkit.Notification(t, b.db, nurse.user.ID)
		counts, _ := atOnce(24, func(i int) answer {
			switch i % 3 {
			case 0:
				return nurse.call("POST", one(n.ID)+"mark_read/", nil)
			case 1:
				return nurse.call("POST", path+"mark_all_read/", nil)
			}
			return nurse.call("GET", one(n.ID), nil)
		})
		require.Equal(t, map[int]int{200: 24}, counts)
		require.EqualValues(t, 2, nurse.call("GET", one(n.ID), nil).body["version"], "read once")
		counts, _ = atOnce(8, func(int) answer { return nurse.call("DELETE", one(n.ID), nil) })
		require.Equal(t, map[int]int{204: 1, 404: 7}, counts)
	})

	t.Run("filters, order and cursor", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		nurse := b.as("Nurse")
		for i := range 6 {
			n := testkit.Notification(t, b.db, nurse.user.ID)
			execute(t, b, "UPDATE core_notification SET type = $2, is_read = $3 WHERE id = $1", n.ID,
				[]string{"low_stock", "role_decision"}[i%2], i < 2)
		}
		for query, want := range map[string]int{
			"": 6, "is_read=true": 2, "is_read=false": 4, "type=low_stock": 3, "type=low_stock&is_read=false": 2, "type=x": 0, "type=": 6,
		} {
			list := nurse.call("GET", path+"?"+query, nil)
			require.EqualValues(t, want, list.body["count"], "%s: %s", query, list.raw)
		}
		for _, ordering := range []string{"", "-created_at", "created_at"} {
			ids := walk(t, nurse, path+"?page_size=2&ordering="+ordering, "id")
			require.Len(t, ids, 6)
			require.Equal(t, ordering != "created_at", ids[0].(float64) > ids[5].(float64), ordering)
		}
		nurse.call("GET", path+"?is_read=perhaps&ordering=id", nil).refused(t, 400, "invalid")
		typed, err := nurse.ListNotificationsWithResponse(t.Context(), &client.ListNotificationsParams{IsRead: new(false)})
		require.NoError(t, err)
		require.Len(t, typed.JSON200.Results, 4)
	})

	t.Run("bad input", func(t *testing.T) {
		t.Parallel()
		nurse := setup(t).as("Nurse")
		nurse.call("GET", path+"x/", nil).refused(t, 404, "not_found")
		nurse.call("DELETE", path+"x/", nil).refused(t, 404, "not_found")
		nurse.call("POST", path+"x/mark_read/", nil).refused(t, 404, "not_found")
		nurse.call("GET", path+"unread_count/?x=1", nil).refused(t, 400, "invalid")
		nurse.call("POST", path+"mark_all_read/?x=1", nil).refused(t, 400, "invalid")
		nurse.call("POST", path, map[string]any{"user": 1, "message": "x"}).refused(t, 405, "method_not_allowed")
	})
}
