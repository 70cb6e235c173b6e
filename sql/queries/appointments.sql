-- Joined from the left, so that counting reads neither names nor people.
-- name: AppointmentList :many
SELECT sqlc.embed(a), core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name
FROM core_appointment a
LEFT JOIN core_patient p ON p.id = a.patient_id
LEFT JOIN core_user d ON d.id = a.doctor_id
WHERE true;

-- AppointmentGet answers an appointment; with @own_user_id, only that user's own.
-- name: AppointmentGet :one
SELECT sqlc.embed(a), core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name
FROM core_appointment a
JOIN core_patient p ON p.id = a.patient_id
JOIN core_user d ON d.id = a.doctor_id
WHERE a.id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR p.user_id = sqlc.narg(own_user_id));

-- Whose time a change of bookings may touch is locked first, doctors before patients
-- before appointments, each in the order of their ids: otherwise two bookings that
-- exclude each other would wait for each other. With the doctors come the accounts of the
-- patients, which a notification refers to.
-- name: DoctorsLock :many
SELECT u.id, coalesce(u.is_active AND r.name = 'Doctor', false)::boolean AS may_be_booked
FROM core_user u LEFT JOIN core_role r ON r.id = u.role_id
WHERE u.id = ANY (@doctor_ids::bigint[] || ARRAY(
    SELECT p.user_id FROM core_patient p WHERE p.id = ANY (@patient_ids::bigint[]) AND p.user_id IS NOT NULL))
ORDER BY u.id
FOR NO KEY UPDATE OF u;

-- name: DoctorMayBeBooked :one
SELECT EXISTS (SELECT FROM core_user u JOIN core_role r ON r.id = u.role_id
               WHERE u.id = @id AND u.is_active AND r.name = 'Doctor');

-- name: PatientsLock :many
SELECT * FROM core_patient WHERE id = ANY (@ids::bigint[]) ORDER BY id FOR NO KEY UPDATE;

-- name: AppointmentLock :one
SELECT * FROM core_appointment WHERE id = @id FOR NO KEY UPDATE;

-- name: AppointmentCreate :one
INSERT INTO core_appointment (patient_id, doctor_id, date, time, duration_minutes, starts_at, ends_at, status, notes,
    overbook_reason, created_at, updated_at)
VALUES (@patient_id, @doctor_id, @date, @time, @duration_minutes, @starts_at, @ends_at, @status, @notes,
    @overbook_reason, @now, @now)
RETURNING *;

-- name: AppointmentUpdate :one
UPDATE core_appointment SET patient_id = @patient_id, doctor_id = @doctor_id, date = @date, time = @time,
    duration_minutes = @duration_minutes, starts_at = @starts_at, ends_at = @ends_at, status = @status, notes = @notes,
    overbook_reason = @overbook_reason, updated_at = @now, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: AppointmentDelete :execrows
DELETE FROM core_appointment WHERE id = @id AND version = @version;

-- name: AppointmentHasEncounters :one
SELECT EXISTS (SELECT FROM core_encounter WHERE appointment_id = @id::bigint);

-- AppointmentBusy answers when a doctor, or a patient, is taken in a span of time by other
-- appointments than one.
-- name: AppointmentBusy :many
SELECT a.starts_at, a.ends_at FROM core_appointment a
WHERE a.doctor_id = @doctor_id AND tstzrange(a.starts_at, a.ends_at) && tstzrange(@since::timestamptz, @until::timestamptz)
  AND a.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND a.overbook_reason = ''
  AND a.id <> @except_id
UNION ALL
SELECT b.starts_at, b.ends_at FROM core_appointment b
WHERE b.patient_id = sqlc.narg(patient_id) AND tstzrange(b.starts_at, b.ends_at) && tstzrange(@since::timestamptz, @until::timestamptz)
  AND b.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND b.overbook_reason = ''
  AND b.id <> @except_id;
