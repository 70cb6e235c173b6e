package server_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/internal/setting"
	"chelal/internal/testkit"
)

const settingsPath = "/api/system-settings/"

// settingPath is where the setting with a key is.
func settingPath(b *bundle, key string) string {
	b.t.Helper()
	var id int64
	require.NoError(b.t, b.db.QueryRow(b.t.Context(), "SELECT id FROM core_systemsetting WHERE key = $1", key).Scan(&id))
	return fmt.Sprintf("%s%d/", settingsPath, id)
}

func valued(value string) map[string]any { return map[string]any{"value": value} }

func TestSystemSettings(t *testing.T) {
	t.Parallel()

	t.Run("a setting's whole life", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		key := testkit.Unique("currency_")
		body := map[string]any{"key": key, "value": "KES", "description": "Money", "category": "billing", "is_public": true}
		made := admin.call("POST", settingsPath, body, "Idempotency-Key", "k")
		require.Equal(t, 201, made.status, made.raw)
		require.Equal(t, made.raw, admin.call("POST", settingsPath, body, "Idempotency-Key", "k").raw)
		require.Equal(t, []any{"KES", "text", false, 1.0},
			[]any{made.body["value"], made.body["value_type"], made.body["is_builtin"], made.body["version"]})
		require.Equal(t, map[string]string{"key": "setting_key_taken"}, admin.call("POST", settingsPath, body).refused(t, 409, "setting_key_taken").fields())
		require.Equal(t, "KES", b.nobody().call("GET", settingsPath+"public/", nil).body[key])

		one := fmt.Sprintf("%s%v/", settingsPath, made.body["id"])
		patched := admin.call("PATCH", one, `{"value": "", "is_public": false}`, "If-Match", `"1"`)
		require.Equal(t, 200, patched.status, patched.raw)
		require.Equal(t, []any{"", "billing", 2.0}, []any{patched.body["value"], patched.body["category"], patched.body["version"]})
		require.NotContains(t, b.nobody().call("GET", settingsPath+"public/", nil).body, key)
		admin.call("PATCH", one, `{"value": "x"}`, "If-Match", `"1"`).refused(t, 412, "stale")
		replaced := admin.call("PUT", one, map[string]any{"key": key + ".2", "value": "UGX"})
		require.Equal(t, 200, replaced.status, replaced.raw)
		require.Equal(t, []any{key + ".2", "UGX", "", "general", false}, []any{replaced.body["key"], replaced.body["value"],
			replaced.body["description"], replaced.body["category"], replaced.body["is_public"]})
		read := admin.call("GET", one, nil)
		require.Equal(t, replaced.raw, read.raw)
		require.Equal(t, `"3"`, read.header.Get("ETag"))
		admin.call("DELETE", one, nil, "If-Match", `"1"`).refused(t, 412, "stale")
		require.Equal(t, 204, admin.call("DELETE", one, nil).status)
		admin.call("GET", one, nil).refused(t, 404, "not_found")
		require.Equal(t, []string{"create", "edit", "edit", "delete"}, actionsOn(b, "systemsetting", made.body["id"]))
	})

	t.Run("what the server reads has a type, a name and stays", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin := b.as("Admin")
		for key, value := range map[string]string{
			setting.RegistrationEnabled: "yes", setting.PatientSelfBooking: "1", setting.WorkingHoursStart: "8 o'clock",
			setting.WorkingHoursEnd: "25:00", setting.AppointmentDuration: "half an hour",
		} {
			path := settingPath(b, key)
			before := admin.call("GET", path, nil)
			require.Equal(t, true, before.body["is_builtin"], key)
			require.Equal(t, map[string]string{"value": "invalid"}, admin.call("PATCH", path, valued(value)).refused(t, 400, "invalid").fields(), key)
			wrong := admin.call("PUT", path, map[string]any{"key": key, "value": value}).refused(t, 400, "invalid")
			require.Contains(t, wrong.body["detail"], "Use ", "it says what is right")
			admin.call("PATCH", path, `{"key": "another"}`).refused(t, 409, "builtin_setting")
			admin.call("DELETE", path, nil).refused(t, 409, "builtin_setting")
			require.Equal(t, before.raw, admin.call("GET", path, nil).raw)
		}
		free := fmt.Sprintf("%s%d/", settingsPath, testkit.SystemSetting(t, b.db).ID)
		admin.call("PATCH", free, map[string]any{"key": setting.HospitalName}).refused(t, 409, "builtin_setting")
		admin.call("POST", settingsPath, `{"key": "sms_enabled", "value": "never"}`).refused(t, 400, "invalid")
		admin.call("PATCH", free, `{"key": "sms_enabled"}`).refused(t, 400, "invalid")
		require.Equal(t, 201, admin.call("POST", settingsPath, `{"key": "sms_enabled", "value": "true"}`).status)
		path := settingPath(b, setting.HospitalName)
		require.Equal(t, 200, admin.call("PATCH", path, `{"value": "Mission Hospital", "description": "Our name"}`).status)
	})

	t.Run("working hours start before they end", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin := b.as("Admin")
		start, end := settingPath(b, setting.WorkingHoursStart), settingPath(b, setting.WorkingHoursEnd)
		wrong := admin.call("PATCH", start, valued("18:00")).refused(t, 400, "invalid")
		require.Contains(t, wrong.body["detail"], "18:00", "it names the other end")
		admin.call("PATCH", end, valued("07:59")).refused(t, 400, "invalid")
		require.Equal(t, 200, admin.call("PATCH", end, valued("23:30:00")).status)
		require.Equal(t, 200, admin.call("PATCH", start, valued("18:00")).status)
		require.Equal(t, "18:00", b.nobody().call("GET", settingsPath+"public/", nil).body[setting.WorkingHoursStart])
	})

	t.Run("what reads them follows", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin := b.as("Admin")
		set := func(key, value string) {
			t.Helper()
			a := admin.call("PATCH", settingPath(b, key), valued(value))
			require.Equal(t, 200, a.status, a.raw)
		}
		register := func() answer {
			return b.nobody().call("POST", "/api/register/", map[string]any{"username": testkit.Unique("x"), "password": "secure words 12"})
		}
		require.Equal(t, 201, register().status)
		set(setting.RegistrationEnabled, "false")
		register().refused(t, 403, "registration_disabled")
		set(setting.RegistrationEnabled, "true")
		require.Equal(t, 201, register().status)

		set(setting.WorkingHoursStart, "09:00")
		set(setting.WorkingHoursEnd, "11:00")
		set(setting.AppointmentDuration, "60")
		doctor := testkit.User(t, b.db, "Doctor")
		day := b.now.UTC().AddDate(0, 0, 7).Format("2006-01-02")
		free := admin.call("GET", fmt.Sprintf("/api/appointments/availability/?doctor=%d&date=%s", doctor.ID, day), nil)
		require.Len(t, free.body["slots"], 2, free.raw)
	})

	t.Run("only Admins, but for what is public", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		one := fmt.Sprintf("%s%d/", settingsPath, testkit.SystemSetting(t, b.db).ID)
		for _, role := range []string{"", "Patient", "Doctor", "Receptionist"} {
			other := b.as(role)
			other.call("GET", settingsPath, nil).refused(t, 403, "forbidden")
			other.call("GET", one, nil).refused(t, 403, "forbidden")
			other.call("POST", settingsPath, `{"key": "x", "value": "x"}`).refused(t, 403, "forbidden")
			other.call("PATCH", one, valued("x")).refused(t, 403, "forbidden")
			other.call("PUT", one, `{"key": "x", "value": "x"}`).refused(t, 403, "forbidden")
			other.call("DELETE", one, nil).refused(t, 403, "forbidden")
			require.Equal(t, 200, other.call("GET", settingsPath+"public/", nil).status)
		}
		b.nobody().call("GET", settingsPath, nil).refused(t, 401, "not_authenticated")
		b.nobody().call("GET", settingsPath+"public/?x=1", nil).refused(t, 400, "invalid")
	})

	t.Run("bad input names every field", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		admin := b.as("Admin")
		require.Equal(t, map[string]string{
			"key": "invalid", "value": "wrong_type", "category": "blank", "is_public": "wrong_type", "version": "read_only", "colour": "unknown_property",
		}, admin.call("POST", settingsPath, `{"key": "Has Space", "value": 7, "category": "", "is_public": "yes", "version": 3, "colour": "red"}`).
			refused(t, 400, "invalid").fields())
		one := fmt.Sprintf("%s%d/", settingsPath, testkit.SystemSetting(t, b.db).ID)
		require.Equal(t, map[string]string{"value": "required"}, admin.call("PUT", one, `{"key": "x"}`).refused(t, 400, "invalid").fields())
		admin.call("PATCH", one, `{"value": null}`).refused(t, 400, "invalid")
		require.EqualValues(t, 1, admin.call("GET", one, nil).body["version"])
		admin.call("GET", settingsPath+"x/", nil).refused(t, 404, "not_found")
		admin.call("DELETE", settingsPath+"x/", nil).refused(t, 404, "not_found")
	})

	t.Run("filters, search, order and cursor", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admin := b.as("Admin")
		for query, want := range map[string]int{
			"": 8, "category=appointments": 4, "category=accounts": 1, "is_public=false": 0, "is_public=true": 8, "search=working+hours": 2,
			"search=working_hours": 2, "search=invoices": 3, "search=register": 1, "search=appointments&category=general": 0,
		} {
			list := admin.call("GET", settingsPath+"?"+query, nil)
			require.EqualValues(t, want, list.body["count"], "%s: %s", query, list.raw)
		}
		for _, ordering := range []string{"key", "-key", "id", "-id", "updated_at", "-updated_at"} {
			require.Len(t, walk(t, admin, settingsPath+"?page_size=3&ordering="+ordering, "key"), 8, ordering)
		}
		keys := walk(t, admin, settingsPath+"?page_size=3&ordering=", "key")
		require.Equal(t, []any{"appointment_duration", "hospital_address"}, keys[:2])
		admin.call("GET", settingsPath+"?is_public=perhaps", nil).refused(t, 400, "invalid")
		typed, err := b.nobody().GetPublicSettingsWithResponse(t.Context())
		require.NoError(t, err)
		require.Equal(t, client.PublicSettings{
			"appointment_duration": "30", "hospital_address": "", "hospital_name": "", "hospital_phone": "", "patient_self_booking": "false",
			"registration_enabled": "true", "working_hours_end": "18:00", "working_hours_start": "08:00",
		}, *typed.JSON200)
	})
}

// TestWorkingHoursRaces moves both ends of the working hours at once: they start before
// they end after every change.
func TestWorkingHoursRaces(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t))
	admins := []caller{b.as("Admin"), b.as("Admin")}
	paths := []string{settingPath(b, setting.WorkingHoursStart), settingPath(b, setting.WorkingHoursEnd)}
	for range 5 {
		for i, value := range []string{"00:00", "23:00"} {
			require.Equal(t, 200, admins[0].call("PATCH", paths[i], valued(value)).status)
		}
		// Each alone is right; together they are not.
		counts, _ := atOnce(16, func(i int) answer {
			return admins[i/2%2].call("PATCH", paths[i%2], valued([]string{"15:00", "10:00"}[i%2]))
		})
		require.Equal(t, map[int]int{200: 8, 400: 8}, counts, "whichever came first")
		settings := b.nobody().call("GET", settingsPath+"public/", nil).body
		require.Less(t, settings[setting.WorkingHoursStart], settings[setting.WorkingHoursEnd])
	}
}
