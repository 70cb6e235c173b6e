-- name: SettingsGet :many
SELECT key, value FROM core_systemsetting WHERE key = ANY (@keys::text[]);

-- SettingGet answers the value of one setting.
-- name: SettingGet :one
SELECT value FROM core_systemsetting WHERE key = @key;

-- name: SettingsPublic :many
SELECT key, value FROM core_systemsetting WHERE is_public;

-- name: SystemSettingList :many
SELECT s.* FROM core_systemsetting s WHERE true;

-- name: SystemSettingGet :one
SELECT * FROM core_systemsetting WHERE id = @id;

-- name: SystemSettingLock :one
SELECT * FROM core_systemsetting WHERE id = @id FOR NO KEY UPDATE;

-- SystemSettingsLock locks a setting and those with the keys, in one order.
-- name: SystemSettingsLock :many
SELECT * FROM core_systemsetting WHERE id = @id OR key = ANY (@keys::text[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: SystemSettingCreate :one
INSERT INTO core_systemsetting (key, value, description, category, is_public, updated_at)
VALUES (@key, @value, @description, @category, @is_public, @now)
RETURNING *;

-- name: SystemSettingUpdate :one
UPDATE core_systemsetting SET key = @key, value = @value, description = @description, category = @category,
    is_public = @is_public, updated_at = @now, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: SystemSettingDelete :execrows
DELETE FROM core_systemsetting WHERE id = @id AND version = @version;
