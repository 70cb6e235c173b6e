-- CallersGet answers who has these sessions, as of now: a revoked session, a deactivated
-- account and a changed role take effect with the next request.
-- name: CallersGet :many
SELECT * FROM core_caller WHERE session_id = ANY (@session_ids::uuid[]);

-- name: SessionCreate :exec
INSERT INTO core_session (id, user_id, created_at, expires_at, ip_address, user_agent)
VALUES (@id, @user_id, @now, @expires_at, sqlc.narg(ip_address), @user_agent);

-- name: SessionRevoke :execrows
UPDATE core_session SET revoked_at = @now::timestamptz WHERE id = @id AND revoked_at IS NULL;

-- name: SessionRevokeAll :execrows
UPDATE core_session SET revoked_at = @now::timestamptz WHERE user_id = @user_id AND revoked_at IS NULL;

-- name: SessionRevokeOthers :execrows
UPDATE core_session SET revoked_at = @now::timestamptz WHERE user_id = @user_id AND id <> @kept AND revoked_at IS NULL;

-- name: RefreshTokenCreate :exec
INSERT INTO core_refreshtoken (session_id, parent_id, token_hash, created_at, expires_at)
VALUES (@session_id, sqlc.narg(parent_id), @token_hash, @now, @expires_at);

-- RefreshTokenLock locks the session, so that two uses of one family are decided one
-- after the other.
-- name: RefreshTokenLock :one
SELECT t.id, t.session_id, t.parent_id, t.superseded_at, s.user_id
FROM core_refreshtoken t JOIN core_session s ON s.id = t.session_id JOIN core_user u ON u.id = s.user_id
WHERE t.token_hash = @token_hash AND t.expires_at > @now AND s.revoked_at IS NULL AND u.is_active
FOR UPDATE OF s;

-- RefreshTokenState reads the token again once its session is locked: what an earlier
-- statement saw may have changed while it waited.
-- name: RefreshTokenState :one
SELECT superseded_at FROM core_refreshtoken WHERE id = @id;

-- name: RefreshTokenSupersede :exec
UPDATE core_refreshtoken SET superseded_at = @now::timestamptz WHERE id = @id AND superseded_at IS NULL;

-- name: SessionExtend :exec
UPDATE core_session SET expires_at = @expires_at WHERE id = @id;

-- LoginAttemptLock makes the attempts from one address wait for one another, so that
-- many at once cannot all pass the count.
-- name: LoginAttemptLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('sign-in ' || host(@ip_address::inet), 0));

-- LoginFailures lists what counts against a name from an address and against the address
-- since @since: failures and attempts not yet decided, the latest first, at most @most. A
-- success wipes out the failures of that name before it.
-- name: LoginFailures :many
SELECT f.timestamp, f.status, (f.username = @username AND f.timestamp > coalesce((
        SELECT max(s.timestamp) FROM core_loginactivity s
        WHERE s.username = @username AND s.ip_address = @ip_address::inet AND s.status = 'success' AND s.timestamp > @since
    ), '-infinity'))::boolean AS of_name
FROM core_loginactivity f
WHERE f.ip_address = @ip_address::inet AND f.timestamp > @since AND f.status IN ('failure', 'pending')
ORDER BY f.timestamp DESC
LIMIT @most;

-- name: LoginAttempt :one
INSERT INTO core_loginactivity (username, timestamp, ip_address, user_agent, status)
VALUES (@username, @now, @ip_address::inet, @user_agent, @status)
RETURNING id;

-- SecondFactorLock makes the codes that are tried for one account wait for one another.
-- name: SecondFactorLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('second factor ' || @user_id::bigint, 0));

-- SecondFactorAttempt says that an attempt tries a code of an account's second factor, and
-- answers how many did so before, since @since and without success, those not yet decided
-- among them: at most @most, and when the first of these was.
-- name: SecondFactorAttempt :one
WITH this AS (
    UPDATE core_loginactivity t SET user_id = @user_id, second_factor = true WHERE t.id = @id
), latest AS (
    SELECT f.timestamp FROM core_loginactivity f
    WHERE f.user_id = @user_id AND f.timestamp > @since AND f.second_factor AND f.status IN ('failure', 'pending')
    ORDER BY f.timestamp DESC LIMIT @most
)
SELECT count(*) AS failures, coalesce(min(l.timestamp), @since)::timestamptz AS first FROM latest l;

-- name: LoginDecide :exec
UPDATE core_loginactivity SET status = @status, user_id = sqlc.narg(user_id) WHERE id = @id;
