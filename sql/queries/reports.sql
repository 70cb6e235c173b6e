-- name: AppointmentCounts :many
SELECT u.id, u.first_name, u.last_name, core_full_name(u.first_name, u.last_name, u.username)::text AS name, f.count
FROM (SELECT key, sum(count)::bigint AS count FROM core_figure_current
      WHERE core_figure_current.name = 'appointments' AND bucket = '-infinity'
      GROUP BY key HAVING sum(count) <> 0) f
JOIN core_user u ON u.id = f.key::bigint
ORDER BY f.count DESC, u.id;

-- MedicationCounts takes spellings that differ in case for one name and shows the most
-- frequent.
-- name: MedicationCounts :many
SELECT (array_agg(f.key ORDER BY f.count DESC, f.key))[1]::text AS name, sum(f.count)::bigint AS count
FROM (SELECT key, sum(count)::bigint AS count FROM core_figure_current
      WHERE core_figure_current.name = 'prescriptions' AND bucket = '-infinity'
      GROUP BY key HAVING sum(count) <> 0) f
GROUP BY lower(f.key)
ORDER BY 2 DESC, 1
LIMIT 10;

-- AppointmentsOfDay looks up each patient for itself: a join may decide to read them all. It has
-- one plan for all days.
-- name: AppointmentsOfDay :many
SELECT sqlc.embed(a),
    (SELECT core_full_name(p.first_name, p.last_name, '') FROM core_patient p WHERE p.id = a.patient_id)::text AS patient_name,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name
FROM core_appointment a
JOIN core_user d ON d.id = a.doctor_id
WHERE a.date = (SELECT @date::date)
ORDER BY a.time, a.id;
