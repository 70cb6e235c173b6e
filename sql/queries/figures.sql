-- FigureTotals answers the figures over all of history.
-- name: FigureTotals :many
SELECT name, sum(count)::bigint AS count, sum(amount)::numeric AS amount
FROM core_figure_current
WHERE name = ANY ((SELECT @names::text[])::text[]) AND bucket = '-infinity'
GROUP BY name;

-- FigurePeriods answers the figures of periods that follow one another, the first
-- counted as 1. @bounds are the days on which they begin and the day after the last one.
-- name: FigurePeriods :many
SELECT name, width_bucket(bucket, @bounds::timestamptz[])::int AS period, key,
    sum(count)::bigint AS count, sum(amount)::numeric AS amount
FROM core_figure_current
WHERE name = ANY (@names::text[])
  AND bucket >= (@bounds::timestamptz[])[1] AND bucket < (@bounds::timestamptz[])[cardinality(@bounds::timestamptz[])]
  AND (sqlc.narg(key)::text IS NULL OR key = sqlc.narg(key))
GROUP BY name, period, key
HAVING sum(count) <> 0 OR sum(amount) <> 0;

-- name: FiguresRebuild :exec
SELECT core_figures_rebuild();

-- name: FiguresFold :one
SELECT core_figures_fold(@most);

-- ActivityForget removes the activity of hours of which nobody asks any more.
-- name: ActivityForget :execrows
DELETE FROM core_figure WHERE name IN ('changes', 'other_actions') AND bucket < @before;
