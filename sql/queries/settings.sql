-- name: SettingsGet :many
SELECT key, value FROM core_systemsetting WHERE key = ANY (@keys::text[]);
