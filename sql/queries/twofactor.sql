-- name: TwoFactorPending :one
UPDATE core_user SET two_factor_pending = @secret::text WHERE id = @id
RETURNING *;

-- TwoFactorEnable makes the pending secret the one that counts. The step is that of the
-- code which proved it.
-- name: TwoFactorEnable :one
UPDATE core_user SET two_factor_enabled = true, two_factor_secret = @secret::text, two_factor_pending = NULL,
    two_factor_step = @step, version = version + 1
WHERE id = @id
RETURNING *;

-- TwoFactorClear forgets the secrets; the step stays, so that no code of the past ever counts.
-- name: TwoFactorClear :one
UPDATE core_user SET two_factor_enabled = false, two_factor_secret = NULL, two_factor_pending = NULL,
    password_change_required = password_change_required OR @change_password::boolean, version = version + 1
WHERE id = @id
RETURNING *;

-- TwoFactorSpend takes the code of a time step, once. secret is the same one, sealed anew.
-- name: TwoFactorSpend :execrows
UPDATE core_user SET two_factor_step = @step, two_factor_secret = @secret::text
WHERE id = @id AND two_factor_enabled AND two_factor_step < @step;

-- name: RecoveryCodesCreate :exec
INSERT INTO core_recoverycode (user_id, code_hash)
SELECT @user_id, unnest(@hashes::bytea[]);

-- name: RecoveryCodeSpend :execrows
DELETE FROM core_recoverycode WHERE user_id = @user_id AND code_hash = @code_hash;

-- name: RecoveryCodesClear :exec
DELETE FROM core_recoverycode WHERE user_id = @user_id;
