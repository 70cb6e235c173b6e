-- Waiting answers how much is still to be done, and for how many seconds the oldest of it has
-- waited.
-- name: Waiting :many
SELECT 'news'::text AS what, count(*) AS rows, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS seconds
FROM core_event WHERE number IS NULL
UNION ALL
SELECT 'mails', count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8
FROM core_maildelivery WHERE state IN ('pending', 'sending')
UNION ALL
SELECT 'report files', count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8
FROM core_reportfile WHERE status = 'pending'
UNION ALL
SELECT 'jobs of ' || q.queue, count(j.id), coalesce(extract(epoch FROM now() - min(j.scheduled_at)), 0)::float8
FROM (VALUES ('default'), ('mail'), ('reports')) q(queue)
LEFT JOIN river.river_job j ON j.queue = q.queue AND j.state = 'available'
GROUP BY q.queue;
