-- name: MedicationList :many
SELECT m.* FROM core_medication m WHERE true;

-- name: MedicationGet :one
SELECT * FROM core_medication WHERE id = @id;

-- name: MedicationLock :one
SELECT * FROM core_medication WHERE id = @id FOR NO KEY UPDATE;

-- A medication begins without stock; what there is comes by the ledger.
-- name: MedicationCreate :one
INSERT INTO core_medication (name, generic_name, description, unit, reorder_level, updated_at)
VALUES (@name, @generic_name, @description, @unit, @reorder_level, @now)
RETURNING *;

-- name: MedicationUpdate :one
UPDATE core_medication SET name = @name, generic_name = @generic_name, description = @description, unit = @unit,
    reorder_level = @reorder_level, updated_at = @now, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: MedicationDelete :execrows
DELETE FROM core_medication WHERE id = @id AND version = @version;

-- StockMove writes a row of the ledger; a trigger moves the stock by it and fills in
-- stock_after, and a CHECK keeps the stock from falling below zero.
-- name: StockMove :one
INSERT INTO core_stockmovement (medication_id, quantity, kind, reason, prescription_id, user_id, created_at)
VALUES (@medication_id, @quantity, @kind, @reason, sqlc.narg(prescription_id), sqlc.narg(user_id), @now)
RETURNING *;

-- name: StockMovementList :many
SELECT sqlc.embed(s), core_full_name(u.first_name, u.last_name, u.username)::text AS user_name
FROM core_stockmovement s
LEFT JOIN core_user u ON u.id = s.user_id
WHERE true;

-- name: StockMovementGet :one
SELECT sqlc.embed(s), core_full_name(u.first_name, u.last_name, u.username)::text AS user_name
FROM core_stockmovement s
LEFT JOIN core_user u ON u.id = s.user_id
WHERE s.id = @id;
