-- name: AuditCreate :batchexec
INSERT INTO core_auditlog (user_id, username, action, object_type, object_id, patient_id, description, timestamp,
    details, request_id, ip_address)
VALUES (@user_id, @username, @action, @object_type, @object_id, @patient_id, @description, @timestamp,
    @details, @request_id, @ip_address);

-- name: IdempotencyLock :one
SELECT pg_try_advisory_xact_lock(hashtextextended(@name::text, 0));

-- name: IdempotencyGet :one
SELECT request_hash, status, header, body FROM core_idempotencykey
WHERE user_id = @user_id AND operation = @operation AND key = @key AND created_at > @since;

-- IdempotencyStore writes over an answer that is past its day.
-- name: IdempotencyStore :exec
INSERT INTO core_idempotencykey (user_id, operation, key, request_hash, status, header, body, created_at)
VALUES (@user_id, @operation, @key, @request_hash, @status, @header, @body, @now)
ON CONFLICT (user_id, operation, key) DO UPDATE SET request_hash = EXCLUDED.request_hash, status = EXCLUDED.status,
    header = EXCLUDED.header, body = EXCLUDED.body, created_at = EXCLUDED.created_at;

-- name: IdempotencyExpire :execrows
DELETE FROM core_idempotencykey WHERE created_at < @before;

-- SessionExpire removes the sessions whose last refresh token has expired, with their tokens.
-- name: SessionExpire :execrows
DELETE FROM core_session WHERE expires_at < @before;

-- name: RefreshTokenExpire :execrows
DELETE FROM core_refreshtoken WHERE expires_at < @before;

-- name: AuditPartitions :exec
SELECT core_auditlog_partitions(@months::integer);

-- name: LoginPartitions :exec
SELECT core_loginactivity_partitions(@months::integer);
