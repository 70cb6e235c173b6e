-- name: ReportFileList :many
SELECT f.* FROM core_reportfile f WHERE true;

-- ReportFileGet answers a file, with owner only one of that user's.
-- name: ReportFileGet :one
SELECT * FROM core_reportfile WHERE id = @id AND (sqlc.narg(owner)::bigint IS NULL OR requested_by_id = sqlc.narg(owner));

-- ReportFilesPending counts what a user, who is locked, waits for.
-- name: ReportFilesPending :one
SELECT count(*) FROM core_reportfile WHERE requested_by_id = @user_id::bigint AND status = 'pending';

-- name: ReportFileCreate :one
INSERT INTO core_reportfile (requested_by_id, kind, format, date_from, date_to, created_at)
VALUES (@requested_by_id, @kind, @format, @date_from, @date_to, @now)
RETURNING *;

-- ReportFileFinish says what became of a file; of several who wrote it one does.
-- name: ReportFileFinish :one
UPDATE core_reportfile SET status = @status, row_count = sqlc.narg(row_count), size = sqlc.narg(size), error = @error,
    finished_at = @now::timestamptz
WHERE id = @id AND status = 'pending'
RETURNING *;

-- ReportFilesOld answers files to be removed.
-- name: ReportFilesOld :many
SELECT * FROM core_reportfile WHERE created_at < @before ORDER BY created_at, id LIMIT 1000;

-- name: ReportFileDelete :execrows
DELETE FROM core_reportfile WHERE id = @id;
