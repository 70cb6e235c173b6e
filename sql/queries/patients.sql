-- name: PatientList :many
SELECT p.* FROM core_patient p WHERE true;

-- PatientGet answers a patient; with @own_user_id, only that user's own record.
-- name: PatientGet :one
SELECT * FROM core_patient
WHERE id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR user_id = sqlc.narg(own_user_id));

-- name: PatientLock :one
SELECT * FROM core_patient WHERE id = @id FOR NO KEY UPDATE;

-- name: PatientCreate :one
INSERT INTO core_patient (first_name, last_name, date_of_birth, gender, contact_info, address, known_allergies,
    user_id, created_at, updated_at)
VALUES (@first_name, @last_name, @date_of_birth, @gender, @contact_info, @address, @known_allergies,
    sqlc.narg(user_id), @now, @now)
RETURNING *;

-- name: PatientUpdate :one
UPDATE core_patient SET first_name = @first_name, last_name = @last_name, date_of_birth = @date_of_birth,
    gender = @gender, contact_info = @contact_info, address = @address, known_allergies = @known_allergies,
    user_id = sqlc.narg(user_id), updated_at = @now, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: PatientDelete :execrows
DELETE FROM core_patient WHERE id = @id AND version = @version;

-- PatientDuplicateLock makes registrations of what may be one person wait for one another.
-- name: PatientDuplicateLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('patient born ' || (@date_of_birth::date)::text, 0));

-- name: PatientContactLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('patient contact ' ||
    coalesce(nullif(regexp_replace(@contact_info::text, '\D', '', 'g'), ''), core_search_key(@contact_info)), 0));

-- PatientDuplicates answers who may be the same person: born on the same day with a
-- similar name, which the index alone tells, or reached by the same contact.
-- name: PatientDuplicates :many
SELECT id, unique_id, first_name, last_name, date_of_birth FROM core_patient
WHERE id IN (
    SELECT a.id FROM core_patient a
    WHERE a.merged_into_id IS NULL AND a.date_of_birth = @date_of_birth::date
      AND similarity(a.name_key, (SELECT core_search_key(@name::text))) >= 0.5
    UNION ALL
    SELECT b.id FROM core_patient b
    WHERE b.merged_into_id IS NULL AND b.contact_key <> '' AND b.contact_key = CASE
        WHEN length(regexp_replace(@contact_info::text, '\D', '', 'g')) >= 7 THEN regexp_replace(@contact_info, '\D', '', 'g')
        ELSE core_search_key(@contact_info) END)
ORDER BY id
LIMIT 10;
