-- InvoiceGet answers all that an invoice shows, as it is at one moment; with @own_user_id,
-- only of that user's own bills.
-- name: InvoiceGet :one
SELECT sqlc.embed(b), core_full_name(p.first_name, p.last_name, '')::text AS patient_name, p.unique_id, n.number,
    coalesce((SELECT jsonb_agg(to_jsonb(i) || jsonb_build_object('amount', i.amount::text) ORDER BY i.id)
        FROM core_billitem i WHERE i.bill_id = b.id), '[]')::jsonb AS items
FROM core_bill b
JOIN core_patient p ON p.id = b.patient_id
JOIN core_documentnumber n ON n.bill_id = b.id
WHERE b.id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR p.user_id = sqlc.narg(own_user_id));

-- ReceiptGet answers all that a receipt shows. The balance is what the payments up to this
-- one left of the bill's total.
-- name: ReceiptGet :one
SELECT sqlc.embed(y), b.patient_id, core_full_name(p.first_name, p.last_name, '')::text AS patient_name, p.unique_id,
    n.number, i.number AS invoice_number,
    core_full_name(u.first_name, u.last_name, u.username)::text AS received_by,
    (b.total_amount - (SELECT sum(o.amount - o.refunded_amount) FROM core_payment o
        WHERE o.bill_id = b.id AND (o.payment_date, o.id) <= (y.payment_date, y.id)))::numeric AS balance,
    coalesce((SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('amount', r.amount::text) ORDER BY r.id)
        FROM core_refund r WHERE r.payment_id = y.id), '[]')::jsonb AS refunds
FROM core_payment y
JOIN core_bill b ON b.id = y.bill_id
JOIN core_patient p ON p.id = b.patient_id
JOIN core_documentnumber n ON n.payment_id = y.id
JOIN core_documentnumber i ON i.bill_id = b.id
LEFT JOIN core_user u ON u.id = y.received_by_id
WHERE y.id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR p.user_id = sqlc.narg(own_user_id));
