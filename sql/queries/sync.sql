-- SyncDeviceLock makes the operations of a device come one after the other.
-- name: SyncDeviceLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('sync ' || @user_id::bigint || ' ' || @device_id::text, 0));

-- name: SyncOperationGet :one
SELECT hash, result FROM core_syncoperation WHERE user_id = @user_id AND device_id = @device_id AND op_id = @op_id;

-- name: SyncOperationCreate :exec
INSERT INTO core_syncoperation (user_id, device_id, op_id, hash, entity, action, status, temp_id, row_id, version,
    result, recorded_at, created_at)
VALUES (@user_id, @device_id, @op_id, @hash, @entity, @action, @status, sqlc.narg(temp_id), sqlc.narg(row_id),
    sqlc.narg(version), @result, sqlc.narg(recorded_at), @now);

-- SyncNames finds what temporary ids stand for: of several operations that gave the same
-- one, the one that was applied, else the latest.
-- name: SyncNames :many
SELECT o.temp_id::text AS temp_id, o.op_id, o.entity, o.status, o.row_id
FROM unnest(@temp_ids::text[]) AS n(temp_id) CROSS JOIN LATERAL (
    SELECT s.temp_id, s.op_id, s.entity, s.status, s.row_id FROM core_syncoperation s
    WHERE s.user_id = @user_id AND s.device_id = @device_id AND s.temp_id = n.temp_id
    ORDER BY s.status <> 'applied', s.created_at DESC
    LIMIT 1) o;

-- name: SyncBase :one
SELECT entity, status, row_id, version FROM core_syncoperation
WHERE user_id = @user_id AND device_id = @device_id AND op_id = @op_id;

-- SyncRowAt answers a row as an operation left it with this version.
-- name: SyncRowAt :one
SELECT (result -> 'row')::jsonb AS seen FROM core_syncoperation
WHERE entity = @entity AND row_id = @row_id AND version = @version AND status = 'applied' AND result ? 'row'
LIMIT 1;

-- SyncRowsForget drops the rows from what was answered before @before; what came of the
-- operation is remembered.
-- name: SyncRowsForget :execrows
UPDATE core_syncoperation SET result = result - 'row' - 'fields' WHERE created_at < @before AND result ? 'row';

-- name: SyncBatchCreate :exec
INSERT INTO core_syncbatch (id, user_id, device_id, total, request_id, ip_address, user_agent, created_at, updated_at)
VALUES (@id, @user_id, @device_id, @total, @request_id, sqlc.narg(ip_address), @user_agent, @now, @now);

-- name: SyncBatchOperationsCreate :exec
INSERT INTO core_syncbatchoperation (batch_id, position, operation)
SELECT @batch_id, o.ordinality, o.value FROM json_array_elements(@operations::json) WITH ORDINALITY AS o;

-- SyncDeviceBusy reports whether a batch of the device is under way.
-- name: SyncDeviceBusy :one
SELECT EXISTS (SELECT 1 FROM core_syncbatch WHERE user_id = @user_id AND device_id = @device_id AND finished_at IS NULL);

-- SyncBatchGet answers a batch with how many operations have come to what, to
-- @user_id the own ones only.
-- name: SyncBatchGet :one
SELECT sqlc.embed(b),
    (SELECT count(*) FROM core_syncbatchoperation o WHERE o.batch_id = b.id AND o.status = 'applied')::int AS applied,
    (SELECT count(*) FROM core_syncbatchoperation o WHERE o.batch_id = b.id AND o.status = 'duplicate')::int AS duplicate,
    (SELECT count(*) FROM core_syncbatchoperation o WHERE o.batch_id = b.id AND o.status = 'conflict')::int AS conflict,
    (SELECT count(*) FROM core_syncbatchoperation o WHERE o.batch_id = b.id AND o.status = 'rejected')::int AS rejected
FROM core_syncbatch b
WHERE b.id = @id AND (sqlc.narg(user_id)::bigint IS NULL OR b.user_id = sqlc.narg(user_id));

-- name: SyncBatchResults :many
SELECT result::jsonb AS result FROM core_syncbatchoperation
WHERE batch_id = @batch_id AND position > @after AND status IS NOT NULL
ORDER BY position LIMIT @most;

-- name: SyncBatchOwner :one
SELECT user_id, device_id FROM core_syncbatch WHERE id = @id AND finished_at IS NULL;

-- SyncNext answers the operation of a device that is next, and as whom it is carried out
-- now: a user who was deactivated has no role any more. The device is locked.
-- name: SyncNext :one
SELECT b.id AS batch_id, o.position, o.operation, b.request_id, b.ip_address, b.user_agent, u.id AS user_id, u.username,
    (CASE WHEN u.is_active THEN coalesce(r.name, '') ELSE '' END)::text AS role, u.password_change_required
FROM core_syncbatch b
JOIN core_syncbatchoperation o ON o.batch_id = b.id AND o.position = b.done + 1
JOIN core_user u ON u.id = b.user_id
LEFT JOIN core_role r ON r.id = u.role_id
WHERE b.user_id = @user_id AND b.device_id = @device_id AND b.finished_at IS NULL
ORDER BY b.seq
LIMIT 1;

-- name: SyncDecide :exec
WITH decided AS (
    UPDATE core_syncbatchoperation SET status = @status, result = @result WHERE batch_id = @batch_id AND position = @position)
UPDATE core_syncbatch SET done = @position, updated_at = @now,
    finished_at = CASE WHEN total = @position THEN @now::timestamptz END
WHERE id = @batch_id;

-- SyncStalled takes the batches in which nothing has happened since @since: whoever was to
-- work on them has died.
-- name: SyncStalled :many
UPDATE core_syncbatch SET updated_at = @now WHERE finished_at IS NULL AND updated_at < @since RETURNING id;

-- name: SyncBatchExpire :execrows
DELETE FROM core_syncbatch WHERE finished_at < @before::timestamptz;
