-- name: ServiceItemList :many
SELECT s.* FROM core_serviceitem s WHERE true;

-- name: ServiceItemGet :one
SELECT * FROM core_serviceitem WHERE id = @id;

-- ServiceItemsNamed answers services by their ids, in no order.
-- name: ServiceItemsNamed :many
SELECT * FROM core_serviceitem WHERE id = ANY (@ids::bigint[]);

-- name: ServiceItemLock :one
SELECT * FROM core_serviceitem WHERE id = @id FOR NO KEY UPDATE;

-- name: ServiceItemCreate :one
INSERT INTO core_serviceitem (code, name, category, price, is_active, created_at, updated_at)
VALUES (@code, @name, @category, @price, @is_active, @now, @now)
RETURNING *;

-- name: ServiceItemUpdate :one
UPDATE core_serviceitem SET code = @code, name = @name, category = @category, price = @price, is_active = @is_active,
    updated_at = @now, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: ServiceItemDelete :execrows
DELETE FROM core_serviceitem WHERE id = @id AND version = @version;
