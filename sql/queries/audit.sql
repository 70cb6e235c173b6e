-- name: AuditLogList :many
SELECT a.id, a.user_id, a.username, a.action, a.object_type, a.object_id, a.patient_id, a.description, a.timestamp,
    a.details, a.request_id, a.ip_address, a.patient_ids, a.object_ids
FROM core_auditlog a
WHERE true;

-- name: AuditLogGet :one
SELECT a.id, a.user_id, a.username, a.action, a.object_type, a.object_id, a.patient_id, a.description, a.timestamp,
    a.details, a.request_id, a.ip_address, a.patient_ids, a.object_ids
FROM core_auditlog a
WHERE a.id = @id;

-- TrailList answers what people themselves may know of the log.
-- name: TrailList :many
SELECT a.id, a.timestamp, a.action, a.object_type, a.object_id, a.patient_id, a.description, a.user_id,
    core_full_name(u.first_name, u.last_name, a.username)::text AS user_name, coalesce(r.name, '')::text AS user_role
FROM core_auditlog a
LEFT JOIN core_user u ON u.id = a.user_id
LEFT JOIN core_role r ON r.id = u.role_id
WHERE true;

-- ViewsCreate records what several requests are about to show, in one statement: a row for
-- each kind of record that a request shows. It names one record and one patient by their ids,
-- 0 for none, and several as PostgreSQL writes an array, empty for none. Where the records are
-- the patients, these alone are named. It answers who has the sessions of those who are presumed
-- to be calling; what is not as presumed is not recorded.
-- name: ViewsCreate :many
WITH caller AS (
    SELECT * FROM core_caller WHERE session_id = ANY ((SELECT @presumed_sessions::uuid[])::uuid[])
), noted AS (
    INSERT INTO core_auditlog (user_id, username, action, object_type, object_id, patient_id, description, timestamp,
        request_id, ip_address, patient_ids, object_ids)
    SELECT nullif(v.user_id, 0), v.username, v.action, v.object_type, nullif(v.object_id, 0)::text,
        nullif(v.patient_id, 0), v.description, v.timestamp, v.request_id, nullif(v.ip_address, '')::inet,
        nullif(v.patient_ids, '')::bigint[], nullif(v.object_ids, '')::bigint[]
    FROM (SELECT unnest(@presumed::boolean[]) AS presumed, unnest(@session_ids::uuid[]) AS session_id,
                 unnest(@user_ids::bigint[]) AS user_id, unnest(@usernames::text[]) AS username,
                 unnest(@roles::text[]) AS role, unnest(@actions::text[]) AS action,
                 unnest(@object_types::text[]) AS object_type, unnest(@object_id::bigint[]) AS object_id,
                 unnest(@patient_id::bigint[]) AS patient_id, unnest(@object_ids::text[]) AS object_ids,
                 unnest(@patient_ids::text[]) AS patient_ids, unnest(@descriptions::text[]) AS description,
                 unnest(@timestamps::timestamptz[]) AS timestamp, unnest(@request_ids::text[]) AS request_id,
                 unnest(@ip_addresses::text[]) AS ip_address) v
    WHERE NOT v.presumed OR (v.session_id, v.user_id, v.username, v.role, false) IN (
        SELECT c.session_id, c.user_id, c.username, c.role, c.password_change_required FROM caller c)
)
SELECT * FROM caller;

-- PatientsShow reads patients and records who is about to see them, in one statement. Where the
-- caller is not as presumed, nothing is read and nothing recorded.
-- name: PatientsShow :many
WITH shown AS (
    SELECT c.session_id, c.user_id, c.username, v.patient_id, v.description, v.timestamp, v.request_id, v.ip_address
    FROM (SELECT unnest(@session_ids::uuid[]) AS session_id, unnest(@usernames::text[]) AS username,
                 unnest(@roles::text[]) AS role, unnest(@patient_ids::bigint[]) AS patient_id,
                 unnest(@descriptions::text[]) AS description, unnest(@timestamps::timestamptz[]) AS timestamp,
                 unnest(@request_ids::text[]) AS request_id, unnest(@ip_addresses::text[]) AS ip_address) v
    JOIN core_caller c ON c.session_id = v.session_id AND c.username = v.username AND c.role = v.role
        AND NOT c.password_change_required
    JOIN core_patient p ON p.id = v.patient_id
), noted AS (
    INSERT INTO core_auditlog (user_id, username, action, object_type, patient_id, description, timestamp, request_id,
        ip_address)
    SELECT s.user_id, s.username, 'view', 'patient', s.patient_id, s.description, s.timestamp, s.request_id,
        nullif(s.ip_address, '')::inet
    FROM shown s
)
SELECT s.session_id, sqlc.embed(p) FROM shown s JOIN core_patient p ON p.id = s.patient_id;

-- BillsPatients answers whose bills these are.
-- name: BillsPatients :many
SELECT b.id, b.patient_id FROM core_bill b WHERE b.id = ANY (@ids::bigint[]);

-- SealsLock lets one seal at a time be made.
-- name: SealsLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('audit seals', 0));

-- name: SealLatest :one
SELECT id, era, from_xid::text::bigint AS from_xid, to_xid::text::bigint AS to_xid, partition_name, row_count, sealed_at,
    content, hash, signature
FROM core_auditseal ORDER BY id DESC LIMIT 1;

-- name: SealList :many
SELECT id, era, from_xid::text::bigint AS from_xid, to_xid::text::bigint AS to_xid, partition_name, row_count, sealed_at,
    content, hash, signature
FROM core_auditseal WHERE id > @after ORDER BY id LIMIT @most;

-- name: SealGet :one
SELECT id, era, from_xid::text::bigint AS from_xid, to_xid::text::bigint AS to_xid, partition_name, row_count, sealed_at,
    content, hash, signature
FROM core_auditseal WHERE id = @id;

-- SealCreate also moves the sequence, which tells of seals that were taken off the end.
-- name: SealCreate :exec
INSERT INTO core_auditseal (id, era, from_xid, to_xid, partition_name, row_count, sealed_at, content, hash, signature)
SELECT setval(pg_get_serial_sequence('core_auditseal', 'id'), @id::bigint), @era, sqlc.arg(from_xid)::bigint::text::xid8,
    sqlc.arg(to_xid)::bigint::text::xid8, @partition_name, @row_count, @sealed_at, @content, @hash, @signature;

-- SealHighest answers the highest id that a seal ever had, 0 when there was none.
-- name: SealHighest :one
SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('core_auditseal', 'id')::regclass), 0)::bigint;

-- SealHorizon answers below which transaction everything is complete, and the next one.
-- name: SealHorizon :one
SELECT pg_snapshot_xmin(s)::text::bigint AS complete, pg_snapshot_xmax(s)::text::bigint AS next FROM pg_current_snapshot() s;

-- AuditLast answers the row of the latest transaction of the latest era.
-- name: AuditLast :one
SELECT l.era, l.xid::text::bigint AS xid FROM core_auditlog l ORDER BY l.era DESC, l.xid DESC LIMIT 1;

-- AuditRange answers the rows of an era behind (after_xid, after_id) that were written
-- before a transaction, each as the text that is hashed: it does not depend on settings.
-- name: AuditRange :many
SELECT l.id, l.xid::text::bigint AS xid, l.tableoid::regclass::text AS partition_name,
    (jsonb_build_array(l.id, l.era, l.xid::text, l.user_id, l.username, l.action, l.object_type, l.object_id, l.patient_id,
        l.description, to_char(l.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), l.details, l.request_id,
        l.ip_address::text) || CASE WHEN coalesce(l.patient_ids, l.object_ids) IS NULL THEN '[]'
            ELSE jsonb_build_array(l.patient_ids, l.object_ids) END)::text AS content
FROM core_auditlog l
WHERE l.era = @era AND (l.xid, l.id) > (sqlc.arg(after_xid)::bigint::text::xid8, @after_id::bigint) AND l.xid < sqlc.arg(to_xid)::bigint::text::xid8
ORDER BY l.xid, l.id
LIMIT @most;

-- AuditUnsealed counts the rows behind the last seal.
-- name: AuditUnsealed :one
SELECT count(*) FROM core_auditlog l
WHERE (l.era, l.xid) >= (@era::integer, sqlc.arg(to_xid)::bigint::text::xid8);

-- AuditPartitionNames answers the partitions that there are.
-- name: AuditPartitionNames :many
SELECT i.inhrelid::regclass::text AS name FROM pg_catalog.pg_inherits i
WHERE i.inhparent = 'core_auditlog'::regclass ORDER BY 1;
