package server_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/seed"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

// counted recomputes the figures of dashboards and reports from the rows themselves, day by
// day on the hospital's clock. $1 is now, $2 the zone, $3 who asks.
const counted = `
WITH day AS (SELECT ($1::timestamptz AT TIME ZONE $2)::date AS today),
flow AS (
	SELECT (payment_date AT TIME ZONE $2)::date AS day, method, amount, 1 AS n FROM core_payment
	UNION ALL
	SELECT (r.created_at AT TIME ZONE $2)::date, p.method, -r.amount, 0 FROM core_refund r JOIN core_payment p ON p.id = r.payment_id
),
bill AS (
	SELECT b.id, b.due_date, coalesce((SELECT sum(i.amount * i.quantity) FROM core_billitem i WHERE i.bill_id = b.id), 0) AS total,
		coalesce((SELECT sum(p.amount) FROM core_payment p WHERE p.bill_id = b.id), 0)
		- coalesce((SELECT sum(r.amount) FROM core_refund r JOIN core_payment p ON p.id = r.payment_id WHERE p.bill_id = b.id), 0) AS paid
	FROM core_bill b
),
last30 AS (SELECT d::date AS day FROM day, generate_series(today - 29, today, interval '1 day') d),
revenue AS (SELECT l.day, coalesce((SELECT sum(amount) FROM flow f WHERE f.day = l.day), 0) AS total FROM last30 l),
registered AS (SELECT l.day, (SELECT count(*) FROM core_patient p WHERE (p.created_at AT TIME ZONE $2)::date = l.day) AS count FROM last30 l),
method AS (SELECT method, sum(amount) AS total FROM flow, day WHERE day.today - flow.day < 30 GROUP BY method),
visit AS (SELECT a.*, row_number() OVER (ORDER BY a.date, a.time, a.id) AS n FROM core_appointment a, day WHERE (a.starts_at AT TIME ZONE $2)::date >= today),
today AS (SELECT v.* FROM visit v, day WHERE v.date = today)
SELECT jsonb_build_object(
	'total_patients', (SELECT count(*) FROM core_patient WHERE merged_into_id IS NULL),
	'patient_count', (SELECT count(*) FROM core_patient WHERE merged_into_id IS NULL),
	'total_appointments', (SELECT count(*) FROM core_appointment),
	'today_appointments', (SELECT count(*) FROM today),
	'total_bills', (SELECT count(*) FROM bill),
	'pending_bills', (SELECT count(*) FROM bill WHERE total > paid OR total = 0),
	'pending_bills_count', (SELECT count(*) FROM bill WHERE total > paid OR total = 0),
	'pending_bills_amount', (SELECT sum(total - paid) FROM bill),
	'total_revenue', (SELECT sum(amount) FROM flow),
	'revenue_30', (SELECT sum(amount) FROM flow, day WHERE today - flow.day < 30),
	'revenue_today', (SELECT sum(amount) FROM flow, day WHERE flow.day = today),
	'collections_today', (SELECT sum(amount) FROM flow, day WHERE flow.day = today),
	'report_date', (SELECT today FROM day), 'date', (SELECT today FROM day), 'count', (SELECT count(*) FROM today),
	'revenue_trend_30', (SELECT jsonb_agg(jsonb_build_object('date', day, 'total', total) ORDER BY day) FROM revenue),
	'revenue_trend', (SELECT jsonb_agg(jsonb_build_object('date', r.day, 'total', total) ORDER BY r.day) FROM revenue r, day WHERE today - r.day < 7),
	'patient_registrations_trend_30', (SELECT jsonb_agg(jsonb_build_object('date', day, 'count', count) ORDER BY day) FROM registered),
	'patient_registrations_trend', (SELECT jsonb_agg(jsonb_build_object('date', r.day, 'count', count) ORDER BY r.day) FROM registered r, day WHERE today - r.day < 7),
	'revenue_breakdown', (SELECT jsonb_agg(jsonb_build_object('method', method, 'department', method, 'total', total) ORDER BY total DESC, method) FROM method),
	'appointments', (SELECT jsonb_agg(id ORDER BY n) FROM today),
	'recent_appointments', (SELECT jsonb_agg(id ORDER BY n) FROM visit WHERE n <= 5),
	'my_appointments_today', (SELECT jsonb_agg(id ORDER BY n) FROM today WHERE doctor_id = $3),
	'patient_queue', (SELECT jsonb_agg(id ORDER BY n) FROM today WHERE status = 'checked_in'),
	'today_schedule', (SELECT jsonb_agg(id ORDER BY n) FROM today WHERE status IN ('scheduled', 'confirmed') AND starts_at >= $1),
	'birthdays_today', (SELECT jsonb_agg(id ORDER BY last_name, first_name, id) FROM core_patient p, day
		WHERE to_char(p.date_of_birth, 'MMDD') = to_char(today, 'MMDD')),
	'anniversaries', (SELECT jsonb_agg(u.id ORDER BY u.last_name, u.first_name, u.id) FROM core_user u JOIN core_role r ON r.id = u.role_id, day
		WHERE to_char(u.date_joined AT TIME ZONE $2, 'MMDD') = to_char(today, 'MMDD') AND u.date_joined < $1 - interval '1 month'),
	'notifications', (SELECT jsonb_agg(id ORDER BY id DESC) FROM (SELECT id FROM core_notification WHERE user_id = $3 ORDER BY id DESC LIMIT 5) n),
	'unread_notifications', (SELECT count(*) FROM core_notification WHERE user_id = $3 AND NOT is_read),
	'low_stock_alerts', (SELECT jsonb_agg(id ORDER BY name) FROM core_medication WHERE current_stock <= reorder_level),
	'pending_role_requests', (SELECT count(*) FROM core_rolechangerequest WHERE status = 'pending'),
	'active_users', (SELECT count(DISTINCT user_id) FROM core_auditlog WHERE timestamp >= date_trunc('hour', $1 - interval '1 day') AND action <> 'view'),
	'most_active_users', (SELECT jsonb_agg(jsonb_build_object('username', username, 'actions', n) ORDER BY n DESC, user_id) FROM (
		SELECT user_id, username, count(*) AS n FROM core_auditlog WHERE timestamp >= date_trunc('hour', $1 - interval '1 day') AND user_id IS NOT NULL AND action <> 'view'
		GROUP BY user_id, username ORDER BY n DESC, user_id LIMIT 5) m),
	'appointments_by_doctor', (SELECT jsonb_agg(jsonb_build_object('doctor_id', u.id, 'doctor__first_name', u.first_name,
			'doctor__last_name', u.last_name, 'doctor_name', u.first_name || ' ' || u.last_name, 'appointment_count', c.n) ORDER BY c.n DESC, u.id)
		FROM (SELECT doctor_id, count(*) AS n FROM core_appointment GROUP BY doctor_id) c JOIN core_user u ON u.id = c.doctor_id),
	'top_medications', (SELECT jsonb_agg(jsonb_build_object('medication_name', medication_name, 'count', n) ORDER BY n DESC, medication_name) FROM (
		SELECT medication_name, count(*) AS n FROM core_prescription GROUP BY medication_name ORDER BY n DESC, medication_name LIMIT 10) m),
	'series', (SELECT jsonb_agg(total ORDER BY day) FROM revenue),
	'by_method', (SELECT jsonb_agg(jsonb_build_object('method', method, 'department', method, 'total', total) ORDER BY total DESC, method) FROM method),
	'payments', (SELECT sum(n) FROM flow, day WHERE today - flow.day < 30)
)`

// compared are the lists of rows, of which the ids are compared, and the series, of which the totals are.
var compared = map[string]string{
	"appointments": "id", "recent_appointments": "id", "my_appointments_today": "id", "patient_queue": "id", "today_schedule": "id",
	"birthdays_today": "id", "anniversaries": "id", "notifications": "id", "low_stock_alerts": "id", "series": "total",
}

// uncounted are the parts of answers that are no figures of the hospital's rows.
var uncounted = []string{"system_health", "system_alerts", "whats_new", "date_from", "date_to", "period"}

// TestReportsOfSeededData holds every field of the dashboards and the reports, on what
// chelal seed makes, against what the rows themselves say: none is empty, and none is
// wrong. It is the first of a month in the hospital, and elsewhere the month before.
func TestReportsOfSeededData(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Pacific/Auckland")
	require.NoError(t, err)
	pool := testkit.Pool(t)
	b := setupOn(t, pool, func(o *server.Options) { o.Zone = zone })
	execute(t, b, "UPDATE core_hospital SET zone = $1", zone.String())
	b.now = time.Date(2026, 4, 1, 11, 40, 0, 0, zone)
	admin, pharmacist := b.as("Admin"), b.as("Pharmacist") // who are told of what is low
	_, err = seed.Run(t.Context(), pool, seed.Options{Patients: 1500, Appointments: 4000, RNGSeed: 1, Now: b.now})
	require.NoError(t, err)
	_, err = db.New().FiguresFold(t.Context(), pool, 100)
	require.NoError(t, err)
	var doctor int64
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT doctor_id FROM core_appointment WHERE date = $1 ORDER BY id LIMIT 1", b.now).Scan(&doctor))

	seen := map[string]bool{}
	hold := func(c caller, path string) {
		a := c.call("GET", path, nil)
		require.Equal(t, 200, a.status, a.raw)
		var rows map[string]any
		require.NoError(t, pool.QueryRow(t.Context(), counted, b.now, zone.String(), c.user.ID).Scan(&rows))
		for name, got := range a.body {
			seen[name] = true
			require.False(t, empty(got), "%s of %s is empty", name, path)
			if slices.Contains(uncounted, name) {
				continue
			}
			if name == "total_revenue" && path == "/api/report/revenue/" {
				name = "revenue_30"
			}
			if property, is := compared[name]; is {
				var values []any
				for _, row := range got.([]any) {
					values = append(values, row.(map[string]any)[property])
				}
				got = values
			}
			require.Equal(t, rows[name], got, "%s of %s", name, path)
		}
	}
	for _, path := range reportPaths {
		hold(admin, path)
	}
	hold(pharmacist, "/api/dashboard/")
	hold(b.asUser(db.CoreUser{ID: doctor}), "/api/dashboard/")
	require.Len(t, seen, 43, "the fields of all answers")
}

// empty says whether there is nothing in a value, or nothing but zeros and words.
func empty(value any) bool {
	switch v := value.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !empty(item) })
	case map[string]any:
		for name, item := range v {
			if name != "date" && !empty(item) {
				return false
			}
		}
		return true
	}
	return value == nil || value == "" || value == 0.0
}
