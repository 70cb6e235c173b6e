-- Joined from the left, so that counting reads no encounters unless it asks whose they are.
-- name: PrescriptionList :many
SELECT sqlc.embed(r), e.patient_id::bigint AS patient_id, e.doctor_id::bigint AS doctor_id,
    core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name
FROM core_prescription r
LEFT JOIN core_encounter e ON e.id = r.encounter_id
LEFT JOIN core_patient p ON p.id = e.patient_id
LEFT JOIN core_user d ON d.id = e.doctor_id
WHERE true;

-- PrescriptionGet answers a prescription; with @own_user_id, only that user's own.
-- name: PrescriptionGet :one
SELECT sqlc.embed(r), e.patient_id, e.doctor_id, core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name
FROM core_prescription r
JOIN core_encounter e ON e.id = r.encounter_id
JOIN core_patient p ON p.id = e.patient_id
JOIN core_user d ON d.id = e.doctor_id
WHERE r.id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR p.user_id = sqlc.narg(own_user_id));

-- name: PrescriptionLock :one
SELECT * FROM core_prescription WHERE id = @id FOR NO KEY UPDATE;

-- name: PrescriptionsOfEncounterLock :many
SELECT * FROM core_prescription WHERE encounter_id = @encounter_id ORDER BY id FOR NO KEY UPDATE;

-- name: PrescriptionCreate :one
INSERT INTO core_prescription (encounter_id, medication_name, dosage, frequency, duration, instructions, medication_id,
    quantity, override_reason, allergy_check, allergy_table, allergy_note, created_at, updated_at)
VALUES (@encounter_id, @medication_name, @dosage, @frequency, @duration, @instructions, sqlc.narg(medication_id),
    sqlc.narg(quantity), @override_reason, @allergy_check, @allergy_table, @allergy_note, @now, @now)
RETURNING *;

-- name: PrescriptionUpdate :one
UPDATE core_prescription SET encounter_id = @encounter_id, medication_name = @medication_name, dosage = @dosage,
    frequency = @frequency, duration = @duration, instructions = @instructions, medication_id = sqlc.narg(medication_id),
    quantity = sqlc.narg(quantity), override_reason = @override_reason, allergy_check = @allergy_check,
    allergy_table = @allergy_table, allergy_note = @allergy_note, updated_at = @now, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: PrescriptionDispense :one
UPDATE core_prescription SET medication_id = @medication_id, quantity = @quantity, override_reason = @override_reason,
    allergy_check = @allergy_check, allergy_table = @allergy_table, allergy_note = @allergy_note,
    dispensed_at = @now, dispensed_by_id = @dispensed_by_id, updated_at = @now, version = version + 1
WHERE id = @id AND dispensed_at IS NULL
RETURNING *;

-- name: PrescriptionDelete :execrows
DELETE FROM core_prescription WHERE id = @id AND version = @version;
