-- NotificationSend notifies active users, by id or by role, each in the own language, and
-- answers what it wrote. It waits for an account that is being deleted, and leaves it out
-- once that is done.
-- name: NotificationSend :many
INSERT INTO core_notification (user_id, title, message, type, related_appointment_id, created_at)
SELECT u.id, t.title, t.message, @type, sqlc.narg(appointment_id)::bigint, @now
FROM core_user u
JOIN (VALUES ('en', @title_en::text, @message_en::text),
             ('fr', @title_fr::text, @message_fr::text),
             ('sw', @title_sw::text, @message_sw::text)) AS t (language, title, message)
    ON t.language = u.language_preference
WHERE u.is_active AND (u.id = ANY (@user_ids::bigint[])
    OR u.role_id IN (SELECT r.id FROM core_role r WHERE r.name = ANY (@roles::text[])))
FOR KEY SHARE OF u
RETURNING *;
