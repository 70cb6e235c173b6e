-- name: BillItemList :many
SELECT i.*
FROM core_billitem i
LEFT JOIN core_bill b ON b.id = i.bill_id
LEFT JOIN core_patient p ON p.id = b.patient_id
WHERE true;

-- BillItemGet answers an item; with @own_user_id, only one of that user's own bills.
-- name: BillItemGet :one
SELECT i.*
FROM core_billitem i
JOIN core_bill b ON b.id = i.bill_id
JOIN core_patient p ON p.id = b.patient_id
WHERE i.id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR p.user_id = sqlc.narg(own_user_id));

-- name: BillItemLock :one
SELECT * FROM core_billitem WHERE id = @id FOR NO KEY UPDATE;

-- name: BillItemsOf :many
SELECT * FROM core_billitem WHERE bill_id = @bill_id ORDER BY id;

-- BillItemsCreate adds items in one statement, in the order given.
-- name: BillItemsCreate :many
INSERT INTO core_billitem (bill_id, service_item_id, description, amount, quantity)
SELECT @bill_id, nullif(l.service_item_id, 0), l.description, l.amount, l.quantity
FROM (SELECT unnest(@service_item_ids::bigint[]) AS service_item_id, unnest(@descriptions::text[]) AS description,
             unnest(@amounts::text[])::numeric AS amount, unnest(@quantities::int[]) AS quantity) l
RETURNING *;

-- name: BillItemUpdate :one
UPDATE core_billitem SET service_item_id = sqlc.narg(service_item_id), description = @description, amount = @amount,
    quantity = @quantity, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: BillItemDelete :execrows
DELETE FROM core_billitem WHERE id = @id AND version = @version;
