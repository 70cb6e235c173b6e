-- name: PaymentList :many
SELECT sqlc.embed(y), core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    coalesce(n.number, 0)::bigint AS receipt_number,
    coalesce((SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('amount', r.amount::text) ORDER BY r.id)
        FROM core_refund r WHERE r.payment_id = y.id), '[]')::jsonb AS refunds
FROM core_payment y
LEFT JOIN core_bill b ON b.id = y.bill_id
LEFT JOIN core_patient p ON p.id = b.patient_id
LEFT JOIN core_documentnumber n ON n.payment_id = y.id
WHERE true;

-- PaymentGet answers a payment; with @own_user_id, only that user's own.
-- name: PaymentGet :one
SELECT sqlc.embed(y), core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    coalesce(n.number, 0)::bigint AS receipt_number,
    coalesce((SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('amount', r.amount::text) ORDER BY r.id)
        FROM core_refund r WHERE r.payment_id = y.id), '[]')::jsonb AS refunds
FROM core_payment y
JOIN core_bill b ON b.id = y.bill_id
JOIN core_patient p ON p.id = b.patient_id
LEFT JOIN core_documentnumber n ON n.payment_id = y.id
WHERE y.id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR p.user_id = sqlc.narg(own_user_id));

-- PaymentBillLock locks the bill of a payment, which comes before the payment itself.
-- name: PaymentBillLock :one
SELECT b.* FROM core_bill b JOIN core_payment y ON y.bill_id = b.id WHERE y.id = @id FOR NO KEY UPDATE OF b;

-- name: PaymentLock :one
SELECT * FROM core_payment WHERE id = @id FOR NO KEY UPDATE;

-- PaymentCreate answers what PaymentGet does of a payment, but for its number, which is still to come.
-- name: PaymentCreate :one
INSERT INTO core_payment (bill_id, amount, method, reference, received_by_id, payment_date)
VALUES (@bill_id, @amount, @method, @reference, @received_by_id, @now)
RETURNING sqlc.embed(core_payment), (SELECT core_full_name(p.first_name, p.last_name, '')
    FROM core_bill b JOIN core_patient p ON p.id = b.patient_id WHERE b.id = bill_id)::text AS patient_name,
    0::bigint AS receipt_number, '[]'::jsonb AS refunds;

-- name: PaymentUpdate :one
UPDATE core_payment SET amount = @amount, method = @method, reference = @reference, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: PaymentDelete :execrows
DELETE FROM core_payment WHERE id = @id AND version = @version;

-- name: RefundCreate :one
INSERT INTO core_refund (payment_id, amount, reason, refunded_by_id, created_at)
VALUES (@payment_id, @amount, @reason, @refunded_by_id, @now)
RETURNING *;
