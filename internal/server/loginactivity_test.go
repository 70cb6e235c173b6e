package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

func TestLoginActivity(t *testing.T) {
	t.Parallel()
	const path, own = "/api/login-activity/", "/api/profile/login-activity/"

	t.Run("who signed in, and who tried", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		u := withPassword(t, b, "Nurse")
		in := signIn(b.nobody().from("192.0.2.7"), *u.Email, goodPassword)
		require.Equal(t, 200, in.status, in.raw)
		signIn(b.nobody().from("192.0.2.8"), u.Username, "a wrong one 77").refused(t, 401, "invalid_credentials")
		signIn(b.nobody().from("192.0.2.8"), "my-secret-words", "a wrong one 77").refused(t, 401, "invalid_credentials")

		list := admin.call("GET", path, nil)
		require.Equal(t, 200, list.status, list.raw)
		require.EqualValues(t, 3, list.body["count"])
		rows := list.body["results"].([]any)
		unknown, failed, success := rows[0].(map[string]any), rows[1].(map[string]any), rows[2].(map[string]any)
		require.Equal(t, []any{nil, nil, "192.0.2.8", "failure"}, []any{unknown["user"], unknown["username"], unknown["ip_address"], unknown["status"]})
		require.Equal(t, []any{float64(u.ID), u.Username, "192.0.2.8", "failure"}, []any{failed["user"], failed["username"], failed["ip_address"], failed["status"]})
		require.Equal(t, []any{float64(u.ID), u.Username, "192.0.2.7", "success"}, []any{success["user"], success["username"], success["ip_address"], success["status"]})
		require.NotContains(t, list.raw, "wrong one")
		require.NotContains(t, list.raw, "my-secret-words", "people type their passwords where the name belongs")
		got := admin.call("GET", fmt.Sprintf("%s%v/", path, failed["id"]), nil)
		require.Equal(t, failed, got.body)

		mine := b.with(in.body["access"].(string), u).call("GET", own, nil)
		require.Equal(t, []any{failed, success}, mine.body["results"], "a failure that was not one's own is there")
		typed, err := admin.ListLoginActivityWithResponse(t.Context(), &client.ListLoginActivityParams{})
		require.NoError(t, err)
		require.Len(t, typed.JSON200.Results, 3)
	})

	t.Run("only Admins see those of others", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		id := testkit.LoginActivity(t, b.db, testkit.User(t, b.db, "Nurse").ID)
		for _, role := range []string{"", "Patient", "Doctor"} {
			other := b.as(role)
			other.call("GET", path, nil).refused(t, 403, "forbidden")
			other.call("GET", fmt.Sprintf("%s%d/", path, id), nil).refused(t, 403, "forbidden")
			require.EqualValues(t, 0, other.call("GET", own, nil).body["count"])
		}
		b.nobody().call("GET", own, nil).refused(t, 401, "not_authenticated")
		b.as("Admin").call("POST", path, map[string]any{}).refused(t, 405, "method_not_allowed")
		b.as("Admin").call("DELETE", fmt.Sprintf("%s%d/", path, id), nil).refused(t, 405, "method_not_allowed")
	})

	t.Run("filters, order and cursor", func(t *testing.T) {
		t.Parallel()
		zone, err := time.LoadLocation("Africa/Nairobi")
		require.NoError(t, err)
		b := setup(t, func(o *server.Options) { o.Zone = zone })
		admin, nurse := b.as("Admin"), b.as("Nurse")
		day := time.Date(2026, 4, 24, 0, 0, 0, 0, zone)
		for i, at := range []time.Duration{-time.Second, 0, 12 * time.Hour, 24*time.Hour - time.Second, 24 * time.Hour} {
			id := testkit.LoginActivity(t, b.db, []int64{nurse.user.ID, admin.user.ID}[i%2])
			execute(t, b, "UPDATE core_loginactivity SET timestamp = $2, status = $3, ip_address = $4::text::inet WHERE id = $1", id, day.Add(at),
				[]string{"success", "failure", "blocked"}[i%3], []string{"2001:db8::1", "192.0.2.9"}[i/3])
		}
		for query, want := range map[string]int{
			"": 5, "user=me": 2, fmt.Sprintf("user=%d", nurse.user.ID): 3, "user=987654321": 0, "status=success": 2, "status=pending": 0,
			"ip_address=2001:db8::1": 3, "ip_address=2001:DB8:0::1": 3, "ip_address=::ffff:192.0.2.9": 2, "ip_address=192.0.2.1": 0,
			"date_from=2026-04-24": 4, "date_to=2026-04-24": 4, "date_from=2026-04-24&date_to=2026-04-24": 3, "date_to=9999-12-31": 5,
			"status=failure&user=me": 1,
		} {
			list := admin.call("GET", path+"?"+query, nil)
			require.EqualValues(t, want, list.body["count"], "%s: %s", query, list.raw)
		}
		for query, want := range map[string]int{"": 3, "status=success": 1, "ip_address=192.0.2.9": 1, "date_from=2026-04-25": 1, "date_to=2026-04-23": 1} {
			require.EqualValues(t, want, nurse.call("GET", own+"?"+query, nil).body["count"], query)
		}
		for _, ordering := range []string{"", "-timestamp", "timestamp"} {
			seen := walk(t, admin, path+"?page_size=2&ordering="+ordering, "timestamp")
			require.Len(t, seen, 5)
			require.Equal(t, ordering != "timestamp", seen[0].(string) > seen[4].(string), ordering)
		}
		for _, query := range []string{"ip_address=192.0.2", "ip_address=fe80::1%25eth0", "ip_address=x"} {
			require.Equal(t, map[string]string{"ip_address": "invalid"}, admin.call("GET", path+"?"+query, nil).refused(t, 400, "invalid").fields(), query)
			nurse.call("GET", own+"?"+query, nil).refused(t, 400, "invalid")
		}
		require.Equal(t, map[string]string{"user": "invalid", "status": "invalid_choice", "date_from": "invalid_date"},
			admin.call("GET", path+"?user=you&status=ok&date_from=2026-02-30", nil).refused(t, 400, "invalid").fields())
		admin.call("GET", path+"x/", nil).refused(t, 404, "not_found")
	})
}
