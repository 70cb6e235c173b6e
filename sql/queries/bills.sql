-- A page of bills comes with the items and the payments of each in one statement.
-- name: BillList :many
SELECT sqlc.embed(b), core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    coalesce(n.number, 0)::bigint AS invoice_number,
    coalesce((SELECT jsonb_agg(to_jsonb(i) || jsonb_build_object('amount', i.amount::text) ORDER BY i.id)
        FROM core_billitem i WHERE i.bill_id = b.id), '[]')::jsonb AS items,
    ARRAY (SELECT y.id FROM core_payment y WHERE y.bill_id = b.id ORDER BY y.id)::bigint[] AS payments
FROM core_bill b
LEFT JOIN core_patient p ON p.id = b.patient_id
LEFT JOIN core_documentnumber n ON n.bill_id = b.id
WHERE true;

-- BillGet answers a bill; with @own_user_id, only that user's own.
-- name: BillGet :one
SELECT sqlc.embed(b), core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    coalesce(n.number, 0)::bigint AS invoice_number,
    coalesce((SELECT jsonb_agg(to_jsonb(i) || jsonb_build_object('amount', i.amount::text) ORDER BY i.id)
        FROM core_billitem i WHERE i.bill_id = b.id), '[]')::jsonb AS items,
    ARRAY (SELECT y.id FROM core_payment y WHERE y.bill_id = b.id ORDER BY y.id)::bigint[] AS payments
FROM core_bill b
JOIN core_patient p ON p.id = b.patient_id
LEFT JOIN core_documentnumber n ON n.bill_id = b.id
WHERE b.id = @id AND (sqlc.narg(own_user_id)::bigint IS NULL OR p.user_id = sqlc.narg(own_user_id));

-- BillLock locks a bill: whoever changes its items or its payments does so first.
-- name: BillLock :one
SELECT * FROM core_bill WHERE id = @id FOR NO KEY UPDATE;

-- name: BillCreate :one
INSERT INTO core_bill (patient_id, encounter_id, due_date, notes, date_issued)
VALUES (@patient_id, sqlc.narg(encounter_id), sqlc.narg(due_date), @notes, @now)
RETURNING *;

-- name: BillUpdate :one
UPDATE core_bill SET patient_id = @patient_id, encounter_id = sqlc.narg(encounter_id), due_date = sqlc.narg(due_date),
    notes = @notes, version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- name: BillDelete :execrows
DELETE FROM core_bill WHERE id = @id AND version = @version;

-- DocumentNumberLock waits for one's turn to take a number of a kind. In a statement of its own, so
-- that the number is then found as it is: who waits for the row itself finds it changed each time.
-- name: DocumentNumberLock :exec
SELECT pg_advisory_xact_lock(hashtextextended('document number ' || @kind::text, 0));

-- DocumentNumberTake gives a bill or a payment the next number of its kind, and answers it as it is written. Until the
-- transaction ends, others who want a number wait: so it comes last, after DocumentNumberLock.
-- name: DocumentNumberTake :one
WITH taken AS (UPDATE core_documentcounter c SET last = c.last + 1 WHERE c.kind = @kind RETURNING c.last)
INSERT INTO core_documentnumber (kind, number, bill_id, payment_id, created_at)
VALUES (@kind, (SELECT taken.last FROM taken), sqlc.narg(bill_id), sqlc.narg(payment_id), @now)
RETURNING core_document_number(kind, number)::text AS written;
