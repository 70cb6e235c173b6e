-- name: EncounterList :many
SELECT sqlc.embed(e), core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name
FROM core_encounter e
LEFT JOIN core_patient p ON p.id = e.patient_id
LEFT JOIN core_user d ON d.id = e.doctor_id
WHERE true;

-- EncounterGet answers an encounter; with @own_user_id, only that user's own.
-- name: EncounterGet :one
SELECT sqlc.embed(e), core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name
FROM core_encounter e
JOIN core_patient p ON p.id = e.patient_id
JOIN core_user d ON d.id = e.doctor_id
WHERE e.id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR p.user_id = sqlc.narg(own_user_id));

-- EncounterLock also waits for a prescription or a bill that is being written for it.
-- name: EncounterLock :one
SELECT * FROM core_encounter WHERE id = @id FOR UPDATE;

-- name: EncounterInUse :one
SELECT (EXISTS (SELECT FROM core_prescription r WHERE r.encounter_id = @id)
    OR EXISTS (SELECT FROM core_bill b WHERE b.encounter_id = @id))::boolean;

-- AppointmentBegin moves an appointment to in_progress, because its encounter is written.
-- name: AppointmentBegin :one
UPDATE core_appointment SET status = 'in_progress', updated_at = @now, version = version + 1
WHERE id = @id
RETURNING *;

-- name: EncounterCreate :one
INSERT INTO core_encounter (patient_id, appointment_id, doctor_id, notes, diagnosis, created_at, updated_at)
VALUES (@patient_id, sqlc.narg(appointment_id), @doctor_id, @notes, @diagnosis, @now, @now)
RETURNING *;

-- name: EncounterUpdate :one
UPDATE core_encounter SET patient_id = @patient_id, appointment_id = sqlc.narg(appointment_id), doctor_id = @doctor_id,
    notes = @notes, diagnosis = @diagnosis, updated_at = @now, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: EncounterDelete :execrows
DELETE FROM core_encounter WHERE id = @id AND version = @version;
