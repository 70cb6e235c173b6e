-- name: HospitalZone :one
SELECT zone FROM core_hospital;

-- HospitalZoneLock lets one process at a time move the appointments, while nobody books.
-- name: HospitalZoneLock :one
SELECT zone FROM core_hospital FOR UPDATE;

-- name: HospitalZoneSet :exec
UPDATE core_hospital SET zone = @zone;

-- name: AppointmentTableLock :exec
LOCK TABLE core_appointment IN SHARE ROW EXCLUSIVE MODE;

-- name: AppointmentWallTimes :many
SELECT DISTINCT date, time FROM core_appointment;

-- AppointmentMove gives the appointments of each wall-clock time its moment.
-- name: AppointmentMove :execrows
UPDATE core_appointment a SET starts_at = m.at, ends_at = m.at + make_interval(mins => a.duration_minutes),
    updated_at = @now, version = a.version + 1
FROM (SELECT unnest(@dates::date[]) AS date, unnest(@times::text[])::time AS time, unnest(@moments::timestamptz[]) AS at) m
WHERE a.date = m.date AND a.time = m.time AND a.starts_at <> m.at;

-- AppointmentOverbookDoctors marks the later of two appointments of one doctor that came
-- to overlap.
-- name: AppointmentOverbookDoctors :execrows
UPDATE core_appointment a SET overbook_reason = @reason
WHERE a.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND a.overbook_reason = '' AND EXISTS (
    SELECT FROM core_appointment b
    WHERE b.doctor_id = a.doctor_id AND tstzrange(b.starts_at, b.ends_at) && tstzrange(a.starts_at, a.ends_at)
      AND b.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND b.overbook_reason = '' AND b.id < a.id);

-- name: AppointmentOverbookPatients :execrows
UPDATE core_appointment a SET overbook_reason = @reason
WHERE a.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND a.overbook_reason = '' AND EXISTS (
    SELECT FROM core_appointment b
    WHERE b.patient_id = a.patient_id AND tstzrange(b.starts_at, b.ends_at) && tstzrange(a.starts_at, a.ends_at)
      AND b.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND b.overbook_reason = '' AND b.id < a.id);
