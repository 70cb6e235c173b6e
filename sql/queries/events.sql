-- EventsNumber numbers what is committed, at most @most events, and answers how many it
-- numbered and the last number of all.
-- name: EventsNumber :one
SELECT f.numbered::bigint AS numbered, f.last::bigint AS last FROM core_events_number(@most::integer) f;

-- name: EventsAfter :many
SELECT e.number::bigint AS number, e.topic, e.type, e.to_staff, e.user_id, e.patient_id, e.data, e.created_at
FROM core_event e WHERE e.number > @after::bigint ORDER BY e.number LIMIT @most;

-- EventsMissed answers what somebody may receive of a topic, after one number and up to
-- another.
-- name: EventsMissed :many
SELECT e.number::bigint AS number, e.topic, e.type, e.to_staff, e.user_id, e.patient_id, e.data, e.created_at
FROM core_event e
WHERE e.number > @after::bigint AND e.number <= @until::bigint AND e.topic = @topic
  AND (e.to_staff AND @is_staff::boolean OR e.user_id = @user_id OR e.patient_id = sqlc.narg(patient_id))
ORDER BY e.number LIMIT @most;

-- EventsBounds answers the first and the last number that there are, zeros without any.
-- name: EventsBounds :one
SELECT coalesce(min(number), 0)::bigint AS first, coalesce(max(number), 0)::bigint AS last FROM core_event;

-- EventsExpire keeps the last event, from which the numbers go on.
-- name: EventsExpire :execrows
DELETE FROM core_event d WHERE d.created_at < @before AND d.number < (SELECT max(m.number) FROM core_event m);

-- SessionsAccess answers what the users of sessions may see now. A session that is not
-- answered is over.
-- name: SessionsAccess :many
SELECT s.id, u.id AS user_id, coalesce(r.name, '')::text AS role, coalesce(p.id, 0)::bigint AS patient_id
FROM core_session s
JOIN core_user u ON u.id = s.user_id
LEFT JOIN core_role r ON r.id = u.role_id
LEFT JOIN core_patient p ON p.user_id = u.id
WHERE s.id = ANY (@ids::uuid[]) AND s.revoked_at IS NULL AND u.is_active AND NOT u.password_change_required;
