-- What a bill asks is the sum of its lines here, and it is paid by the sum of its payments. The
-- total that was issued stands: a line makes up what the lines lack, and where they say more
-- than the total, they are kept without their amounts beside a line that has it.
CREATE TABLE adoption.line_here AS
SELECT s.id, s.bill_id, coalesce(nullif(btrim(s.description), ''), '(no description)') AS description,
    CASE WHEN fits THEN s.amount ELSE 0 END AS amount, greatest(s.quantity, 1) AS quantity
FROM (SELECT i.*, i.quantity >= 1 AND i.amount >= 0 AND i.amount * i.quantity <= 99999999.99 AS fits FROM adoption.billitem i) s;

-- A negative payment was a refund; one of nothing was none.
CREATE TABLE adoption.payment_here AS
SELECT s.*, CASE lower(btrim(s.method))
        WHEN 'cash' THEN 'Cash' WHEN 'card' THEN 'Card' WHEN 'credit_card' THEN 'Card' WHEN 'debit_card' THEN 'Card'
        WHEN 'credit card' THEN 'Card' WHEN 'debit card' THEN 'Card' WHEN 'insurance' THEN 'Insurance'
        WHEN 'bank_transfer' THEN 'Bank Transfer' WHEN 'bank transfer' THEN 'Bank Transfer'
        WHEN 'mobile_money' THEN 'Mobile Money' WHEN 'mobile money' THEN 'Mobile Money' ELSE 'Cash' END AS way
FROM adoption.payment s;

-- Refunds are taken from a bill's payments in their order, each from where the one before it ended.
CREATE TABLE adoption.refund_here AS
WITH paid AS (
    SELECT p.id, p.bill_id, sum(p.amount) OVER w - p.amount AS since, sum(p.amount) OVER w AS until
    FROM adoption.payment_here p WHERE p.amount > 0 WINDOW w AS (PARTITION BY p.bill_id ORDER BY p.payment_date, p.id)
), given AS (
    SELECT p.id, p.bill_id, p.payment_date, p.received_by_id, p.reference,
        sum(-p.amount) OVER w + p.amount AS since, sum(-p.amount) OVER w AS until
    FROM adoption.payment_here p WHERE p.amount < 0 WINDOW w AS (PARTITION BY p.bill_id ORDER BY p.payment_date, p.id)
)
SELECT g.id AS source, p.id AS payment_id, least(g.until, p.until) - greatest(g.since, p.since) AS amount,
    g.payment_date, g.received_by_id, g.reference
FROM given g JOIN paid p ON p.bill_id = g.bill_id AND g.since < p.until AND p.since < g.until;

CREATE TABLE adoption.bill_here AS
SELECT s.id, greatest(s.total_amount, 0) AS total, coalesce(l.total, 0) AS lines, coalesce(p.gross, 0) AS gross,
    coalesce(p.gross, 0) - coalesce(r.total, 0) AS net,
    greatest(s.total_amount, coalesce(p.gross, 0) - coalesce(r.total, 0), 0) AS asked
FROM adoption.bill s
LEFT JOIN (SELECT bill_id, sum(amount * quantity) AS total FROM adoption.line_here GROUP BY bill_id) l ON l.bill_id = s.id
LEFT JOIN (SELECT bill_id, sum(amount) AS gross FROM adoption.payment_here WHERE amount > 0 GROUP BY bill_id) p ON p.bill_id = s.id
LEFT JOIN (SELECT p.bill_id, sum(r.amount) AS total FROM adoption.refund_here r JOIN adoption.payment_here p ON p.id = r.payment_id
    GROUP BY p.bill_id) r ON r.bill_id = s.id;

INSERT INTO core_bill (id, patient_id, encounter_id, date_issued, notes)
SELECT id, patient_id, encounter_id, date_issued, notes FROM adoption.bill;

INSERT INTO core_billitem (id, bill_id, description, amount, quantity)
SELECT l.id, l.bill_id, l.description, CASE WHEN b.lines > b.asked THEN 0 ELSE l.amount END, l.quantity
FROM adoption.line_here l JOIN adoption.bill_here b ON b.id = l.bill_id ORDER BY l.id;

SELECT setval(pg_get_serial_sequence('core_billitem', 'id'), greatest((SELECT max(id) FROM core_billitem), 1));

-- One line holds at most 99,999,999.99. The last kind bridges what was paid and given back since.
INSERT INTO core_billitem (bill_id, description, amount, quantity)
SELECT m.id, m.description, least(m.missing - n * 99999999.99, 99999999.99), 1
FROM (
    SELECT b.id, 'Adjusted to the total when taken over' AS description, b.asked - CASE WHEN b.lines > b.asked THEN 0 ELSE b.lines END AS missing
    FROM adoption.bill_here b
    UNION ALL
    SELECT b.id, 'adoption: bridge', b.gross - b.asked FROM adoption.bill_here b
) m, generate_series(0, ceil(greatest(m.missing, 0) / 99999999.99)::integer - 1) n
WHERE m.missing > 0 ORDER BY m.id, m.description, n;

INSERT INTO core_payment (id, bill_id, amount, payment_date, method, reference, received_by_id)
SELECT id, bill_id, amount, payment_date, way, reference, received_by_id FROM adoption.payment_here WHERE amount > 0 ORDER BY id;

INSERT INTO core_refund (payment_id, amount, reason, refunded_by_id, created_at)
SELECT payment_id, amount, 'Negative payment ' || source || ' when taken over' || CASE WHEN reference <> '' THEN ': ' || reference ELSE '' END,
    received_by_id, payment_date
FROM adoption.refund_here ORDER BY source, payment_id;

DELETE FROM core_billitem WHERE description = 'adoption: bridge';

WITH wanted AS (
    SELECT 'invoice' AS kind, id AS bill_id, NULL::bigint AS payment_id, date_issued AS at, row_number() OVER (ORDER BY date_issued, id) AS n FROM core_bill
    UNION ALL
    SELECT 'receipt', NULL, id, payment_date, row_number() OVER (ORDER BY payment_date, id) FROM core_payment
), counted AS (
    UPDATE core_documentcounter c SET last = w.n FROM (SELECT kind, count(*) AS n FROM wanted GROUP BY kind) w WHERE c.kind = w.kind
)
INSERT INTO core_documentnumber (kind, number, bill_id, payment_id, created_at)
SELECT kind, n, bill_id, payment_id, at FROM wanted ORDER BY kind, n;

SELECT adoption.found('billitem', s.id, 'description', 'description_missing', s.description, l.description)
FROM adoption.billitem s JOIN adoption.line_here l ON l.id = s.id WHERE l.description <> s.description;
SELECT adoption.found('billitem', s.id, 'amount', 'line_amount_moved', s.amount::text, c.amount::text)
FROM adoption.billitem s JOIN core_billitem c ON c.id = s.id WHERE c.amount <> s.amount;
SELECT adoption.found('billitem', s.id, 'quantity', 'quantity_below_one', s.quantity::text, l.quantity::text)
FROM adoption.billitem s JOIN adoption.line_here l ON l.id = s.id WHERE l.quantity <> s.quantity;
SELECT adoption.found('bill', s.id, 'total_amount', CASE WHEN s.total_amount < 0 THEN 'total_negative' ELSE 'bill_overpaid' END,
    s.total_amount::text, b.asked::text)
FROM adoption.bill s JOIN adoption.bill_here b ON b.id = s.id WHERE b.asked <> s.total_amount;
SELECT adoption.found('bill', b.id, 'lines', 'total_is_not_the_sum', b.lines::text, b.asked::text)
FROM adoption.bill_here b WHERE b.lines <> b.asked;
SELECT adoption.found('bill', s.id, 'is_paid', CASE WHEN s.is_paid THEN 'paid_without_payments' ELSE 'paid_and_not_marked' END,
    s.is_paid::text, c.is_paid::text)
FROM adoption.bill s JOIN core_bill c ON c.id = s.id WHERE c.is_paid <> s.is_paid;
SELECT adoption.found('payment', p.id, 'amount', CASE WHEN p.amount = 0 THEN 'payment_of_nothing' ELSE 'payment_negative' END, to_jsonb(s)::text,
    (SELECT sum(r.amount)::text FROM adoption.refund_here r WHERE r.source = p.id))
FROM adoption.payment_here p JOIN adoption.payment s ON s.id = p.id WHERE p.amount <= 0;
SELECT adoption.found('payment', p.id, 'refund', 'refund_without_payment', (-p.amount)::text, coalesce(r.amount, 0)::text)
FROM adoption.payment_here p LEFT JOIN (SELECT source, sum(amount) AS amount FROM adoption.refund_here GROUP BY source) r ON r.source = p.id
WHERE p.amount < 0 AND coalesce(r.amount, 0) <> -p.amount;
SELECT adoption.found('payment', p.id, 'method', 'method_renamed', p.method, p.way)
FROM adoption.payment_here p WHERE p.way <> p.method AND p.amount > 0;
