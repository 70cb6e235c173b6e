package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/internal/auditlog"
	"chelal/internal/testkit"
)

// TestVerifyAuditLog is not parallel: open transactions of other tests would hold back
// what can be sealed.
func TestVerifyAuditLog(t *testing.T) {
	pool := testkit.Pool(t)
	b := setupOn(t, pool)
	admin := b.as("Admin")
	testkit.Patient(t, pool, nil)
	require.Equal(t, 200, admin.call("GET", "/api/patients/", nil).status)
	require.Equal(t, map[string]any{
		"intact": true, "complete": true, "rows": 0., "seals": 0., "last_seal": 0., "head": "", "archived": []any{},
		"archived_rows": 0., "unsealed": 1.,
	}, admin.call("GET", "/api/audit-logs/verify/", nil).body)

	for sealed := int64(0); sealed < 1; {
		done, err := auditlog.Seal(t.Context(), pool, b.options.SealKeys, time.Now(), "")
		require.NoError(t, err)
		sealed += done.Rows
	}
	typed, err := admin.VerifyAuditLogWithResponse(t.Context(), &client.VerifyAuditLogParams{})
	require.NoError(t, err)
	require.True(t, typed.JSON200.Intact)
	require.EqualValues(t, 1, typed.JSON200.Rows)
	require.Len(t, typed.JSON200.Head, 64)
	behind := admin.call("GET", fmt.Sprintf("/api/audit-logs/verify/?after=%d", typed.JSON200.LastSeal), nil)
	require.Equal(t, []any{0., typed.JSON200.Head}, []any{behind.body["seals"], behind.body["head"]})

	_, err = pool.Exec(t.Context(), "SET session_replication_role = replica; UPDATE core_auditlog SET patient_id = 987; SET session_replication_role = origin")
	require.NoError(t, err)
	broken := admin.call("GET", "/api/audit-logs/verify/", nil)
	require.Equal(t, false, broken.body["intact"])
	require.Equal(t, "row_changed", broken.body["broken"].(map[string]any)["code"])
	admin.call("GET", "/api/audit-logs/verify/?after=-1", nil).refused(t, 400, "invalid")
	b.as("Doctor").call("GET", "/api/audit-logs/verify/", nil).refused(t, 403, "forbidden")
}

func TestAuditLogList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin, nurse := b.as("Admin"), b.as("Nurse")
	made := nurse.call("POST", "/api/patients/", jane(), "X-Request-Id", "the-birth")
	id := int64(made.body["id"].(float64))
	path := fmt.Sprintf("/api/patients/%d/", id)
	require.Equal(t, 200, nurse.call("PATCH", path, map[string]any{"address": "5 New Road"}).status)
	require.Equal(t, 200, nurse.call("GET", path, nil).status)
	require.Equal(t, 200, admin.call("GET", path, nil).status)
	today := b.now.UTC().Format(time.DateOnly)
	tomorrow := b.now.UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	for query, want := range map[string]int{
		fmt.Sprintf("object_type=patient&patient=%d", id):                        4,
		fmt.Sprintf("object_type=patient&patient=%d&action=view", id):            2,
		fmt.Sprintf("object_type=patient&patient=%d&user=me", id):                1,
		fmt.Sprintf("object_type=patient&patient=%d&user=%d", id, nurse.user.ID): 3,
		fmt.Sprintf("object_type=patient&object_id=%d&action=edit", id):          1,
		fmt.Sprintf("object_type=bill&object_id=%d", id):                         0,
		"request_id=the-birth":                      1,
		"search=" + nurse.user.Username:             2, // not what was viewed
		"search=" + nurse.user.Username + "+create": 1,
		fmt.Sprintf("object_type=patient&patient=%d&date_from=%s&date_to=%s", id, today, today): 4,
		fmt.Sprintf("object_type=patient&patient=%d&date_from=%s", id, tomorrow):                0,
	} {
		list := admin.call("GET", "/api/audit-logs/?"+query, nil)
		require.EqualValues(t, want, list.body["count"], "%s: %s", query, list.raw)
	}
	list := admin.call("GET", fmt.Sprintf("/api/audit-logs/?patient=%d&action=edit", id), nil)
	row := list.body["results"].([]any)[0].(map[string]any)
	require.Equal(t, nurse.user.Username, row["user"])
	require.Equal(t, map[string]any{"before": map[string]any{"address": "123 Main St"}, "after": map[string]any{"address": "5 New Road"}}, row["details"])
	require.Equal(t, "192.0.2.1", row["ip_address"])
	require.Equal(t, []string{"view auditlog listAuditLogs"},
		auditActions(b, "request_id = $1 AND patient_id = $2", list.header.Get("X-Request-Id"), id), "values of a record are shown here too")

	typed, err := admin.GetAuditLogWithResponse(t.Context(), int64(row["id"].(float64)))
	require.NoError(t, err)
	require.Equal(t, "edit", typed.JSON200.Action)
	var nobodys int64
	require.NoError(t, b.db.QueryRow(t.Context(), "INSERT INTO core_auditlog (action, username) VALUES ('create', '') RETURNING id").Scan(&nobodys))
	require.NotContains(t, admin.call("GET", fmt.Sprintf("/api/audit-logs/%d/", nobodys), nil).body, "user")

	require.Equal(t, map[string]string{"action": "invalid_choice", "user": "invalid", "date_from": "invalid_date", "patient": "too_small"},
		admin.call("GET", "/api/audit-logs/?action=look&user=nobody&date_from=2026-02-30&patient=0", nil).refused(t, 400, "invalid").fields())
	admin.call("GET", "/api/audit-logs/987654321/", nil).refused(t, 404, "not_found")
	nurse.call("GET", "/api/audit-logs/", nil).refused(t, 403, "forbidden")
}

func TestAuditLogOfAMergedPatient(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin, owner := b.as("Admin"), b.as("Patient")
	survivor, duplicate := testkit.Patient(t, b.db, &owner.user.ID), testkit.Patient(t, b.db, nil)
	require.Equal(t, 200, admin.call("GET", fmt.Sprintf("/api/patients/%d/", duplicate.ID), nil).status)
	require.Equal(t, 200, admin.call("POST", fmt.Sprintf("/api/patients/%d/merge/", survivor.ID), map[string]any{"duplicate": duplicate.ID}).status)
	list := admin.call("GET", fmt.Sprintf("/api/audit-logs/?patient=%d&object_id=%d&object_type=patient&action=view", survivor.ID, duplicate.ID), nil)
	require.EqualValues(t, 1, list.body["count"], list.raw)
	require.Equal(t, fmt.Sprint(duplicate.ID), list.body["results"].([]any)[0].(map[string]any)["object_id"], "of a view the patient alone is noted")
	require.EqualValues(t, 3, owner.call("GET", "/api/profile/audit-log/?about=me", nil).body["count"])
}

func TestOwnTrail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner, stranger, doctor := b.as("Patient"), b.as("Patient"), b.as("Doctor")
	own := testkit.Patient(t, b.db, &owner.user.ID)
	other := testkit.Patient(t, b.db, &stranger.user.ID)
	for _, p := range []int64{own.ID, other.ID} {
		require.Equal(t, 200, doctor.call("GET", fmt.Sprintf("/api/patients/%d/", p), nil).status)
	}
	require.Equal(t, 201, doctor.call("POST", "/api/encounters/", map[string]any{"patient": own.ID, "notes": "Fever"}).status)

	typed, err := owner.ListOwnAuditLogWithResponse(t.Context(), &client.ListOwnAuditLogParams{About: new(client.ListOwnAuditLogParamsAbout("me"))})
	require.NoError(t, err)
	require.Len(t, typed.JSON200.Results, 2)
	for i, want := range []string{"create encounter", "view patient"} {
		entry := typed.JSON200.Results[i]
		require.Equal(t, want, entry.Action+" "+entry.ObjectType.MustGet())
		require.Equal(t, doctor.user.FirstName+" "+doctor.user.LastName, entry.UserName)
		require.Equal(t, []string{"Doctor", ""}, []string{entry.UserRole, entry.Description})
	}
	require.Equal(t, fmt.Sprint(own.ID), typed.JSON200.Results[1].ObjectID.MustGet())
	raw := owner.call("GET", "/api/profile/audit-log/?about=me", nil).raw
	require.NotContains(t, raw, "Fever")
	require.NotContains(t, raw, "ip_address")
	require.EqualValues(t, 1, stranger.call("GET", "/api/profile/audit-log/?about=me", nil).body["count"])
	require.EqualValues(t, 0, doctor.call("GET", "/api/profile/audit-log/?about=me", nil).body["count"])

	require.EqualValues(t, 3, doctor.call("GET", "/api/profile/audit-log/", nil).body["count"])
	require.EqualValues(t, 2, doctor.call("GET", "/api/profile/audit-log/?action=view", nil).body["count"])
	require.EqualValues(t, 0, owner.call("GET", "/api/profile/audit-log/", nil).body["count"])
	owner.call("GET", "/api/profile/audit-log/?about=you", nil).refused(t, 400, "invalid")
	b.nobody().call("GET", "/api/profile/audit-log/", nil).refused(t, 401, "not_authenticated")
}
