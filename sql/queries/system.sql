-- ChangeRecord records what a change did and announces it, in one statement, after all that the change
-- looks at. Ids are 0, and texts empty, for none.
-- name: ChangeRecord :exec
WITH announced AS (
    INSERT INTO core_event (topic, type, to_staff, user_id, patient_id, data, created_at)
    SELECT e.topic, e.type, e.to_staff, nullif(e.user_id, 0), nullif(e.patient_id, 0), e.data::jsonb, @now
    FROM (SELECT unnest(@topics::text[]) AS topic, unnest(@types::text[]) AS type, unnest(@to_staff::boolean[]) AS to_staff,
                 unnest(@to_users::bigint[]) AS user_id, unnest(@to_patients::bigint[]) AS patient_id,
                 unnest(@data::text[]) AS data) e
)
INSERT INTO core_auditlog (user_id, username, action, object_type, object_id, patient_id, description, timestamp,
    details, request_id, ip_address)
SELECT nullif(r.user_id, 0), r.username, r.action, r.object_type, nullif(r.object_id, 0)::text, nullif(r.patient_id, 0),
    r.description, @now, nullif(r.details, '')::jsonb, @request_id, sqlc.narg(ip_address)
FROM (SELECT unnest(@user_ids::bigint[]) AS user_id, unnest(@usernames::text[]) AS username, unnest(@actions::text[]) AS action,
             unnest(@object_types::text[]) AS object_type, unnest(@object_ids::bigint[]) AS object_id,
             unnest(@patient_ids::bigint[]) AS patient_id, unnest(@descriptions::text[]) AS description,
             unnest(@details::text[]) AS details) r;

-- name: IdempotencyLock :one
SELECT pg_try_advisory_xact_lock(hashtextextended(@name::text, 0));

-- name: IdempotencyGet :one
SELECT request_hash, status, header, body FROM core_idempotencykey
WHERE user_id = @user_id AND operation = @operation AND key = @key AND created_at > @since;

-- IdempotencyStore writes over an answer that is past its day. An answer with the number of a document
-- of kind @numbered, which the transaction has taken, has it between @start and @rest; without one
-- @numbered is empty.
-- name: IdempotencyStore :exec
INSERT INTO core_idempotencykey (user_id, operation, key, request_hash, status, header, body, created_at)
VALUES (@user_id, @operation, @key, @request_hash, @status, @header,
    @start::bytea || coalesce((SELECT convert_to(core_document_number(c.kind, c.last), 'UTF8')
                              FROM core_documentcounter c WHERE c.kind = @numbered), '') || @rest::bytea, @now)
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
