-- name: RoleChangeRequestList :many
SELECT sqlc.embed(q), core_full_name(u.first_name, u.last_name, u.username)::text AS user_name, r.name AS role_name,
    coalesce(core_full_name(v.first_name, v.last_name, v.username), '')::text AS reviewer_name
FROM core_rolechangerequest q
JOIN core_user u ON u.id = q.user_id
JOIN core_role r ON r.id = q.requested_role_id
LEFT JOIN core_user v ON v.id = q.reviewed_by_id
WHERE true;

-- RoleChangeRequestGet answers a request; with @own_user_id, only that user's own.
-- name: RoleChangeRequestGet :one
SELECT sqlc.embed(q), core_full_name(u.first_name, u.last_name, u.username)::text AS user_name, r.name AS role_name,
    coalesce(core_full_name(v.first_name, v.last_name, v.username), '')::text AS reviewer_name
FROM core_rolechangerequest q
JOIN core_user u ON u.id = q.user_id
JOIN core_role r ON r.id = q.requested_role_id
LEFT JOIN core_user v ON v.id = q.reviewed_by_id
WHERE q.id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR q.user_id = sqlc.narg(own_user_id));

-- name: RoleChangeRequestLock :one
SELECT * FROM core_rolechangerequest WHERE id = @id FOR NO KEY UPDATE;

-- name: RoleChangeRequestCreate :one
INSERT INTO core_rolechangerequest (user_id, requested_role_id, reason, created_at, updated_at)
VALUES (@user_id, @requested_role_id, @reason, @now, @now)
RETURNING *;

-- name: RoleChangeRequestUpdate :one
UPDATE core_rolechangerequest SET requested_role_id = @requested_role_id, reason = @reason, updated_at = @now,
    version = version + 1
WHERE id = @id AND version = @version AND status = 'pending'
RETURNING *;

-- RoleChangeRequestDecide decides a pending request.
-- name: RoleChangeRequestDecide :one
UPDATE core_rolechangerequest SET status = @status, reviewed_by_id = @reviewed_by_id::bigint, review_notes = @review_notes,
    updated_at = @now, version = version + 1
WHERE id = @id AND status = 'pending'
RETURNING *;

-- name: RoleChangeRequestDelete :execrows
DELETE FROM core_rolechangerequest WHERE id = @id AND version = @version;
