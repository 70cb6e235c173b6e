-- DashboardAppointments answers every list of appointments that a dashboard has: the
-- next ones, a doctor's own of today, and for the front desk who waits and who is still
-- to come. The subqueries keep from the planner which of them are empty this time: it would
-- plan the rest anew for every caller, which takes longer than to read them.
-- name: DashboardAppointments :many
SELECT l.part, sqlc.embed(a), core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name
FROM (
    (SELECT 'next' AS part, n.id FROM core_appointment n WHERE n.date >= (SELECT @today::date) ORDER BY n.date, n.time, n.id LIMIT 5)
    UNION ALL
    (SELECT 'own', o.id FROM core_appointment o WHERE o.doctor_id = (SELECT sqlc.narg(doctor_id)::bigint) AND o.date = (SELECT @today))
    UNION ALL
    (SELECT 'waiting', w.id FROM core_appointment w
     WHERE (SELECT @front_desk::boolean) AND w.status = 'checked_in' AND w.date = (SELECT @today) ORDER BY w.time, w.id LIMIT 200)
    UNION ALL
    (SELECT 'to_come', c.id FROM core_appointment c
     WHERE (SELECT @front_desk) AND c.status IN ('scheduled', 'confirmed') AND c.date = (SELECT @today) AND c.starts_at >= (SELECT @now::timestamptz)
     ORDER BY c.time, c.id LIMIT 50)
) l
JOIN core_appointment a ON a.id = l.id
JOIN core_patient p ON p.id = a.patient_id
JOIN core_user d ON d.id = a.doctor_id
ORDER BY a.date, a.time, a.id;

-- name: DashboardCounts :one
SELECT (SELECT count(*) FROM core_appointment a WHERE a.date = (SELECT @today::date)) AS appointments,
       (SELECT count(*) FROM core_notification n WHERE n.user_id = (SELECT @user_id::bigint) AND NOT n.is_read) AS unread,
       (SELECT count(*) FROM core_rolechangerequest r WHERE r.status = 'pending') AS role_requests,
       coalesce((SELECT min(b.due_date) FROM core_bill b WHERE NOT b.is_paid AND b.total_amount > 0) < @today, false)::boolean AS overdue_bills;

-- name: NotificationsLatest :many
SELECT * FROM core_notification WHERE user_id = @user_id ORDER BY created_at DESC, id DESC LIMIT 5;

-- name: AuditLatest :many
SELECT action, description, timestamp FROM core_auditlog
WHERE object_type IN ('patient', 'appointment', 'encounter', 'prescription', 'medication', 'bill', 'payment')
  AND action IN ('create', 'edit', 'delete')
ORDER BY timestamp DESC, id DESC
LIMIT 3;

-- PatientBirthdays answers who was born on one of the days of a year (131 is the last of
-- January), twenty at most of each.
-- name: PatientBirthdays :many
SELECT b.id, b.first_name, b.last_name
FROM unnest((SELECT @days::int[])) AS day, LATERAL (
    SELECT p.id, p.first_name, p.last_name FROM core_patient p
    WHERE extract(month FROM p.date_of_birth)::integer * 100 + extract(day FROM p.date_of_birth)::integer = day
      AND p.merged_into_id IS NULL
    ORDER BY p.last_name, p.first_name, p.id LIMIT 20) b
ORDER BY b.last_name, b.first_name, b.id
LIMIT 20;

-- StaffAnniversaries answers the active staff who joined within one of the spans.
-- name: StaffAnniversaries :many
SELECT u.id, u.first_name, u.last_name
FROM (SELECT unnest(@starts::timestamptz[]) AS since, unnest(@ends::timestamptz[]) AS until) y
JOIN core_user u ON u.date_joined >= y.since AND u.date_joined < y.until
JOIN core_role r ON r.id = u.role_id
WHERE u.is_active AND r.name <> 'Patient'
ORDER BY u.last_name, u.first_name, u.id;

-- name: MedicationsLow :many
SELECT * FROM core_medication WHERE current_stock <= reorder_level ORDER BY name LIMIT 20;

-- UserActivity answers the five who changed most since an hour began, each with the number
-- of all who did anything: signing in is counted, too.
-- name: UserActivity :many
SELECT coalesce(u.username, '')::text AS username, a.changes, a.active_users
FROM (SELECT f.key, coalesce(sum(f.count) FILTER (WHERE f.name = 'changes'), 0)::bigint AS changes, count(*) OVER () AS active_users
      FROM core_figure_current f
      WHERE f.name IN ('changes', 'other_actions') AND f.bucket >= (SELECT core_figure_hour(@since))
      GROUP BY f.key
      ORDER BY changes DESC, f.key::bigint LIMIT 5) a
LEFT JOIN core_user u ON u.id = a.key::bigint
ORDER BY a.changes DESC, a.key::bigint;

-- name: JobsState :one
SELECT EXISTS (SELECT FROM river.river_leader l WHERE l.expires_at > @now::timestamptz) AS alive,
       EXISTS (SELECT FROM river.river_job j WHERE j.state = 'available' AND j.scheduled_at < @waiting_since::timestamptz) AS late;
