-- MergesLock lets one merge, or the undoing of one, happen at a time: what is merged
-- into what cannot change under the others. Few are made, and each is short.
-- name: MergesLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('patient merges', 0));

-- MergeRecords answers the given patients and those who were merged into them.
-- name: MergeRecords :many
SELECT id FROM core_patient WHERE id = ANY (@ids::bigint[]) OR merged_into_id = ANY (@ids);

-- MergeUsers answers whom moving the records of these patients touches: their accounts,
-- and the doctors whose bookings are checked again when the patient of one changes.
-- name: MergeUsers :many
SELECT doctor_id AS id FROM core_appointment
WHERE patient_id = ANY (@ids::bigint[]) AND status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress')
UNION
SELECT user_id::bigint FROM core_patient WHERE id = ANY (@ids) AND user_id IS NOT NULL
ORDER BY id;

-- name: MergeCreate :one
INSERT INTO core_patientmerge (survivor_id, duplicate_id, user_id, allergies_before, allergies_after, created_at)
VALUES (@survivor_id, @duplicate_id, sqlc.narg(user_id), @allergies_before, @allergies_after, @now)
RETURNING *;

-- MergeOpen answers the merge of a duplicate that can be undone.
-- name: MergeOpen :one
SELECT * FROM core_patientmerge WHERE duplicate_id = @duplicate_id AND undone_at IS NULL;

-- name: MergeClose :exec
UPDATE core_patientmerge SET undone_at = @now::timestamptz WHERE id = @id;

-- MergedAllergies answers the known allergies of everybody who is merged into a patient,
-- be it through others.
-- name: MergedAllergies :many
WITH RECURSIVE merged AS (
    SELECT o.duplicate_id FROM core_patientmerge o WHERE o.survivor_id = @patient_id AND o.undone_at IS NULL
    UNION
    SELECT m.duplicate_id FROM merged d JOIN core_patientmerge m ON m.survivor_id = d.duplicate_id
    WHERE m.undone_at IS NULL
)
SELECT p.known_allergies FROM merged d JOIN core_patient p ON p.id = d.duplicate_id ORDER BY p.id;

-- MergeForget takes what a merge moved out of the merges that followed it: undoing those
-- later must not take it away again from whom it goes back to now.
-- name: MergeForget :exec
WITH later AS (
    SELECT m.id, u.id AS undone_id, u.duplicate_id, u.user_id
    FROM core_patientmerge u
    JOIN core_patient d ON d.id = u.duplicate_id
    JOIN core_patient o ON o.merged_into_id = d.merged_into_id
    JOIN core_patientmerge m ON m.duplicate_id = o.id AND m.undone_at IS NULL AND m.id > u.id
    WHERE u.id = @merge_id
), accounts AS (
    UPDATE core_patientmerge m SET user_id = NULL FROM later WHERE m.id = later.id AND m.user_id = later.user_id
)
DELETE FROM core_patientmergerow r USING later
WHERE r.merge_id = later.id AND (
    r.table_name = 'core_patient' AND r.row_id = later.duplicate_id
    OR (r.table_name, r.row_id) IN (SELECT o.table_name, o.row_id FROM core_patientmergerow o WHERE o.merge_id = later.undone_id));

-- PatientMerged writes what a merge, or the undoing of one, changes about a patient.
-- name: PatientMerged :one
UPDATE core_patient SET known_allergies = @known_allergies, user_id = sqlc.narg(user_id),
    merged_into_id = sqlc.narg(merged_into_id), updated_at = @now, version = version + 1
WHERE id = @id
RETURNING *;

-- Each of the following moves the rows of one table from the duplicate of a merge to the
-- survivor and notes which, or moves those back that are still where the duplicate's
-- records are now.
-- name: MergeAppointments :execrows
WITH moved AS (
    UPDATE core_appointment a SET patient_id = m.survivor_id, updated_at = m.created_at, version = version + 1
    FROM core_patientmerge m WHERE m.id = @merge_id AND a.patient_id = m.duplicate_id
    RETURNING a.id
)
INSERT INTO core_patientmergerow (merge_id, table_name, row_id) SELECT @merge_id, 'core_appointment', id FROM moved;

-- name: UnmergeAppointments :execrows
UPDATE core_appointment a SET patient_id = d.id, updated_at = m.undone_at, version = a.version + 1
FROM core_patientmerge m
JOIN core_patient d ON d.id = m.duplicate_id
JOIN core_patientmergerow r ON r.merge_id = m.id AND r.table_name = 'core_appointment'
WHERE m.id = @merge_id AND a.id = r.row_id AND a.patient_id = d.merged_into_id;

-- name: MergeEncounters :execrows
WITH moved AS (
    UPDATE core_encounter e SET patient_id = m.survivor_id, updated_at = m.created_at, version = version + 1
    FROM core_patientmerge m WHERE m.id = @merge_id AND e.patient_id = m.duplicate_id
    RETURNING e.id
)
INSERT INTO core_patientmergerow (merge_id, table_name, row_id) SELECT @merge_id, 'core_encounter', id FROM moved;

-- name: UnmergeEncounters :execrows
UPDATE core_encounter e SET patient_id = d.id, updated_at = m.undone_at, version = e.version + 1
FROM core_patientmerge m
JOIN core_patient d ON d.id = m.duplicate_id
JOIN core_patientmergerow r ON r.merge_id = m.id AND r.table_name = 'core_encounter'
WHERE m.id = @merge_id AND e.id = r.row_id AND e.patient_id = d.merged_into_id;

-- name: MergeBills :execrows
WITH moved AS (
    UPDATE core_bill b SET patient_id = m.survivor_id, version = b.version + 1
    FROM core_patientmerge m WHERE m.id = @merge_id AND b.patient_id = m.duplicate_id
    RETURNING b.id
)
INSERT INTO core_patientmergerow (merge_id, table_name, row_id) SELECT @merge_id, 'core_bill', id FROM moved;

-- name: UnmergeBills :execrows
UPDATE core_bill b SET patient_id = d.id, version = b.version + 1
FROM core_patientmerge m
JOIN core_patient d ON d.id = m.duplicate_id
JOIN core_patientmergerow r ON r.merge_id = m.id AND r.table_name = 'core_bill'
WHERE m.id = @merge_id AND b.id = r.row_id AND b.patient_id = d.merged_into_id;

-- name: MergeIdentifiers :execrows
WITH moved AS (
    UPDATE core_patientidentifier i SET patient_id = m.survivor_id
    FROM core_patientmerge m WHERE m.id = @merge_id AND i.patient_id = m.duplicate_id
    RETURNING i.id
)
INSERT INTO core_patientmergerow (merge_id, table_name, row_id) SELECT @merge_id, 'core_patientidentifier', id FROM moved;

-- name: UnmergeIdentifiers :execrows
UPDATE core_patientidentifier i SET patient_id = d.id
FROM core_patientmerge m
JOIN core_patient d ON d.id = m.duplicate_id
JOIN core_patientmergerow r ON r.merge_id = m.id AND r.table_name = 'core_patientidentifier'
WHERE m.id = @merge_id AND i.id = r.row_id AND i.patient_id = d.merged_into_id;

-- Who was merged into the duplicate before points at the survivor from now on, so that
-- nobody has to follow more than one step.
-- name: MergePointers :execrows
WITH moved AS (
    UPDATE core_patient p SET merged_into_id = m.survivor_id, updated_at = m.created_at, version = version + 1
    FROM core_patientmerge m WHERE m.id = @merge_id AND p.merged_into_id = m.duplicate_id
    RETURNING p.id
)
INSERT INTO core_patientmergerow (merge_id, table_name, row_id) SELECT @merge_id, 'core_patient', id FROM moved;

-- name: UnmergePointers :execrows
UPDATE core_patient p SET merged_into_id = d.id, updated_at = m.undone_at, version = p.version + 1
FROM core_patientmerge m
JOIN core_patient d ON d.id = m.duplicate_id
JOIN core_patientmergerow r ON r.merge_id = m.id AND r.table_name = 'core_patient'
WHERE m.id = @merge_id AND p.id = r.row_id AND p.merged_into_id = d.merged_into_id;
