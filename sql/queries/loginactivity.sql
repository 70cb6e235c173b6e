-- name: LoginActivityList :many
SELECT l.id, l.user_id, u.username, l.timestamp, l.ip_address, l.user_agent, l.status
FROM core_loginactivity l LEFT JOIN core_user u ON u.id = l.user_id
WHERE true;

-- name: LoginActivityGet :one
SELECT l.id, l.user_id, u.username, l.timestamp, l.ip_address, l.user_agent, l.status
FROM core_loginactivity l LEFT JOIN core_user u ON u.id = l.user_id
WHERE l.id = @id;
