-- NotificationSend notifies active users, by id or by role, each in the own language. It
-- waits for an account that is being deleted, and leaves it out once that is done.
-- name: NotificationSend :exec
INSERT INTO core_notification (user_id, title, message, type, related_appointment_id, created_at)
SELECT u.id, t.title, t.message, @type, sqlc.narg(appointment_id)::bigint, @now
FROM core_user u
JOIN (VALUES ('en', @title_en::text, @message_en::text),
             ('fr', @title_fr::text, @message_fr::text),
             ('sw', @title_sw::text, @message_sw::text)) AS t (language, title, message)
    ON t.language = u.language_preference
WHERE u.is_active AND (u.id = ANY (@user_ids::bigint[])
    OR u.role_id IN (SELECT r.id FROM core_role r WHERE r.name = ANY (@roles::text[])))
FOR KEY SHARE OF u;

-- name: NotificationList :many
SELECT n.* FROM core_notification n WHERE true;

-- name: NotificationGet :one
SELECT * FROM core_notification WHERE id = @id AND user_id = @user_id;

-- name: NotificationLock :one
SELECT * FROM core_notification WHERE id = @id AND user_id = @user_id FOR NO KEY UPDATE;

-- NotificationRead answers the user's notification, marked now or before.
-- name: NotificationRead :one
UPDATE core_notification SET version = version + CASE WHEN is_read THEN 0 ELSE 1 END, is_read = true
WHERE id = @id AND user_id = @user_id
RETURNING *;

-- name: NotificationReadAll :execrows
UPDATE core_notification SET is_read = true, version = version + 1 WHERE user_id = @user_id AND NOT is_read;

-- name: NotificationUnread :one
SELECT count(*) FROM core_notification WHERE user_id = @user_id AND NOT is_read;

-- name: NotificationDelete :execrows
DELETE FROM core_notification WHERE id = @id AND version = @version;
