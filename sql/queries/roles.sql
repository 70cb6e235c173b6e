-- name: RoleList :many
SELECT r.* FROM core_role r WHERE true;

-- name: RoleGet :one
SELECT * FROM core_role WHERE id = @id;

-- name: RoleLock :one
SELECT * FROM core_role WHERE id = @id FOR NO KEY UPDATE;

-- name: RoleCreate :one
INSERT INTO core_role (name, description) VALUES (@name, @description) RETURNING *;

-- name: RoleUpdate :one
UPDATE core_role SET name = @name, description = @description, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: RoleDelete :execrows
DELETE FROM core_role WHERE id = @id AND version = @version;
