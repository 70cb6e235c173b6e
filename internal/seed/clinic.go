package seed

import (
	"context"
	"fmt"
)

// batch is how many appointments are followed up in one go: enough that a statement's
// start does not count, and few enough that progress shows.
const batch = 50_000

// followed are the tables that the follow-up of appointments fills, the largest of them
// without their secondary indexes while it does.
var followed = []string{
	"core_encounter", "core_prescription", "core_stockmovement", "core_bill", "core_billitem", "core_payment", "core_refund",
}

// addClinic makes what came of the appointments that are over: encounters, prescriptions,
// what was dispensed, bills, payments and refunds. The rows are made by PostgreSQL from
// the appointments, by hashes of their ids, in the order of time.
func (s *seeding) addClinic(ctx context.Context) error {
	if s.Appointments == 0 {
		return nil
	}
	if err := s.addPharmacy(ctx); err != nil {
		return err
	}
	if err := s.addCatalogue(ctx); err != nil {
		return err
	}
	var dropped []index
	for _, table := range followed {
		indexes, err := s.indexesInTheWay(ctx, table, s.Appointments)
		if err != nil {
			return err
		}
		dropped = append(dropped, indexes...)
	}
	if err := s.dropIndexes(ctx, dropped); err != nil {
		return err
	}
	if err := s.followUp(ctx); err != nil {
		return err
	}
	if err := s.stock(ctx); err != nil {
		return err
	}
	return s.rebuild(ctx, "care and billing indexes", dropped)
}

// followUp goes through this run's appointments in batches.
func (s *seeding) followUp(ctx context.Context) error {
	var first, last int64
	if err := s.tx.QueryRow(ctx, `SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM core_appointment
		WHERE xmin = pg_current_xact_id()::xid`).Scan(&first, &last); err != nil {
		return err
	}
	if _, err := s.tx.Exec(ctx, visitTables); err != nil {
		return err
	}
	total := int(last - first + 1)
	for from := first; from <= last; from += batch {
		s.tell("care and billing", int(from-first), total)
		for _, step := range s.followUpSteps(from) {
			tag, err := s.tx.Exec(ctx, step.sql, step.args...)
			if err != nil {
				return fmt.Errorf("%s: %w", step.table, err)
			}
			if step.count != nil {
				*step.count += int(tag.RowsAffected())
			}
		}
	}
	s.tell("care and billing", total, total)
	return nil
}

// step is one statement of the follow-up.
type step struct {
	table, sql string
	args       []any
	count      *int // of what it adds to, or nil
}

func (s *seeding) followUpSteps(from int64) []step {
	salt := int64(s.RNGSeed) //nolint:gosec // any bits will do
	return []step{
		{"seed_visit", visitSQL, []any{from, from + batch - 1, s.midnight, s.Now, salt, len(cases)}, nil},
		{"core_encounter", encounterSQL, []any{column(cases, complaintOf), column(cases, diagnosisOf)}, &s.result.Encounters},
		{"core_prescription", prescriptionSQL, []any{column(cases, firstDrugOf), column(cases, secondDrugOf), column(drugs, nameOf),
			column(drugs, doseOf), column(drugs, frequencyOf), column(drugs, durationOf), column(drugs, quantityOf), s.Now}, &s.result.Prescriptions},
		{"seed_line", lineSQL, []any{column(services, codeOf)}, nil},
		{"core_bill", billSQL, []any{s.Now, s.Now.Location().String()}, &s.result.Bills},
		{"core_billitem", itemSQL, nil, nil},
		{"core_payment", paymentSQL, []any{s.Now}, &s.result.Payments},
		{"core_refund", refundSQL, []any{s.Now}, nil},
		{"core_documentnumber", numberSQL, nil, nil},
		{"seed_visit", "TRUNCATE seed_visit, seed_line", nil, nil},
	}
}

// column reads one value of each row of a list, as an array for PostgreSQL.
func column[R, V any](rows []R, value func(R) V) []V {
	values := make([]V, len(rows))
	for i, row := range rows {
		values[i] = value(row)
	}
	return values
}

// visitTables hold the appointments of a batch that came to an encounter, with all that
// chance decides of them, and the lines of their bills.
const visitTables = `
CREATE TEMPORARY TABLE seed_visit (
	encounter_id bigint NOT NULL, bill_id bigint, appointment_id bigint NOT NULL, patient_id bigint NOT NULL,
	doctor_id bigint NOT NULL, at timestamptz NOT NULL, kind int NOT NULL, chance bigint NOT NULL, payment_id bigint
) ON COMMIT DROP;
CREATE TEMPORARY TABLE seed_line (
	bill_id bigint NOT NULL, n int NOT NULL, service_item_id bigint NOT NULL, description text NOT NULL,
	amount numeric(10, 2) NOT NULL, quantity int NOT NULL
) ON COMMIT DROP`

// chance is 62 random bits of each appointment; parts of it decide different things. Of
// ten thousand visits 8,800 are billed, and of those 8,600 have something paid.
//
// It may be early in the day, though the appointments know that it is half past eleven:
// visits that would begin later are said to have begun before now, and what follows a
// visit comes when it should or half way to now, whatever is first.
const visitSQL = `
INSERT INTO seed_visit
SELECT nextval(pg_get_serial_sequence('core_encounter', 'id')),
	CASE WHEN v.chance % 10000 < 8800 THEN nextval(pg_get_serial_sequence('core_bill', 'id')) END,
	v.id, v.patient_id, v.doctor_id,
	CASE WHEN v.began < $4::timestamptz THEN v.began
		ELSE $3::timestamptz + ($4::timestamptz - $3::timestamptz) * (0.2 + (v.chance >> 14) % 1200 / 2400.0) END,
	1 + ((v.chance >> 20) % 1000 * ((v.chance >> 30) % 1000) * $6::int / 1000000)::int, v.chance,
	CASE WHEN v.chance % 10000 < 8800 * 0.86 THEN nextval(pg_get_serial_sequence('core_payment', 'id')) END
FROM (SELECT a.*, c.chance, a.starts_at + make_interval(secs => 300 + (c.chance >> 14) % 1200) AS began FROM core_appointment a
	CROSS JOIN LATERAL (SELECT hashint8extended(a.id, $5::bigint) & 4611686018427387903 AS chance) c
	WHERE a.id BETWEEN $1 AND $2 AND a.xmin = pg_current_xact_id()::xid
	  AND a.status = 'completed' AND (a.starts_at < $3::timestamptz OR $3::timestamptz < $4::timestamptz)
	ORDER BY a.id) v`

const encounterSQL = `
INSERT INTO core_encounter (id, patient_id, appointment_id, doctor_id, notes, diagnosis, created_at, updated_at)
SELECT encounter_id, patient_id, appointment_id, doctor_id, ($1::text[])[kind], ($2::text[])[kind], at, at
FROM seed_visit ORDER BY encounter_id`

// Nine of ten get the first drug of their case, four of ten the second as well. Seven of
// ten prescriptions are dispensed within the hour.
const prescriptionSQL = `
INSERT INTO core_prescription (encounter_id, medication_name, medication_id, dosage, frequency, duration, quantity,
	instructions, created_at, updated_at, dispensed_at, dispensed_by_id)
SELECT v.encounter_id, d.name, m.id, d.dose, d.frequency, d.duration, d.quantity,
	CASE v.chance % 3 WHEN 0 THEN 'After meals' WHEN 1 THEN 'With plenty of water' ELSE '' END, v.at, v.at,
	CASE WHEN p.id IS NOT NULL AND (v.chance >> d.n) % 10 < 7 THEN v.at + least(interval '25 minutes', ($8::timestamptz - v.at) / 2) END,
	CASE WHEN (v.chance >> d.n) % 10 < 7 THEN p.id END
FROM seed_visit v
CROSS JOIN LATERAL (VALUES (1, ($1::int[])[v.kind], 9), (2, ($2::int[])[v.kind], 4)) g (n, drug, tenths)
JOIN LATERAL (SELECT g.n, ($3::text[])[g.drug] AS name, ($4::text[])[g.drug] AS dose, ($5::text[])[g.drug] AS frequency,
	($6::text[])[g.drug] AS duration, ($7::int[])[g.drug] AS quantity) d ON g.drug > 0 AND (v.chance >> (40 + g.n * 5)) % 10 < g.tenths
JOIN core_medication m ON lower(m.name) = lower(d.name)
LEFT JOIN LATERAL (SELECT u.id FROM core_user u JOIN core_role r ON r.id = u.role_id WHERE r.name = 'Pharmacist' ORDER BY u.id LIMIT 1) p ON true
ORDER BY v.encounter_id, g.n`

// The first line is the consultation, after it come up to three others.
const lineSQL = `
INSERT INTO seed_line
SELECT v.bill_id, n, s.id, s.name, s.price, CASE WHEN n > 1 AND (v.chance >> (n * 7)) % 6 = 0 THEN 2 ELSE 1 END
FROM seed_visit v
CROSS JOIN LATERAL generate_series(1, 1 + ((v.chance >> 8) % 4)::int) n
JOIN core_serviceitem s ON s.code = ($1::text[])[CASE WHEN n = 1 THEN 1 + ((v.chance >> 11) % 3)::int
	ELSE 4 + ((v.chance >> (11 + 6 * n)) % (cardinality($1::text[]) - 3))::int END]
WHERE v.bill_id IS NOT NULL`

// A tenth of those who pay pay half at first.
const billSQL = `
INSERT INTO core_bill (id, patient_id, encounter_id, date_issued, due_date, total_amount, amount_paid)
SELECT v.bill_id, v.patient_id, v.encounter_id, b.issued, (b.issued AT TIME ZONE $2::text)::date + 30, l.total,
	CASE WHEN v.payment_id IS NULL THEN 0 ELSE b.paid - b.refunded END
FROM seed_visit v
JOIN (SELECT bill_id, sum(amount * quantity) AS total FROM seed_line GROUP BY bill_id) l USING (bill_id)
CROSS JOIN LATERAL (SELECT v.at + least(interval '30 minutes', ($1::timestamptz - v.at) / 2) AS issued,
	CASE WHEN (v.chance >> 17) % 10 = 0 THEN round(l.total / 2, 2) ELSE l.total END AS paid,
	CASE WHEN v.chance % 173 = 0 THEN 1.00 ELSE 0 END AS refunded) b
ORDER BY v.bill_id`

const itemSQL = `
INSERT INTO core_billitem (bill_id, service_item_id, description, amount, quantity)
SELECT bill_id, service_item_id, description, amount, quantity FROM seed_line ORDER BY bill_id, n`

const paymentSQL = `
INSERT INTO core_payment (id, bill_id, amount, refunded_amount, method, reference, received_by_id, payment_date)
SELECT v.payment_id, v.bill_id, b.amount_paid + r.amount, r.amount,
	(ARRAY['Cash', 'Mobile Money', 'Insurance', 'Card', 'Bank Transfer'])[CASE WHEN (v.chance >> 23) % 100 < 44 THEN 1
		WHEN (v.chance >> 23) % 100 < 74 THEN 2 WHEN (v.chance >> 23) % 100 < 88 THEN 3 WHEN (v.chance >> 23) % 100 < 97 THEN 4 ELSE 5 END],
	'', u.id, b.date_issued + least(make_interval(mins => ((v.chance >> 29) % 90)::int), ($1::timestamptz - b.date_issued) / 2)
FROM seed_visit v
JOIN core_bill b ON b.id = v.bill_id
CROSS JOIN LATERAL (SELECT CASE WHEN v.chance % 173 = 0 THEN 1.00 ELSE 0 END AS amount) r
LEFT JOIN LATERAL (SELECT u.id FROM core_user u JOIN core_role r ON r.id = u.role_id WHERE r.name = 'Receptionist' ORDER BY u.id LIMIT 1) u ON true
WHERE v.payment_id IS NOT NULL
ORDER BY v.payment_id`

const refundSQL = `
INSERT INTO core_refund (payment_id, amount, reason, created_at)
SELECT p.id, p.refunded_amount, 'Charged too much', p.payment_date + least(interval '10 minutes', ($1::timestamptz - p.payment_date) / 2)
FROM seed_visit v JOIN core_payment p ON p.id = v.payment_id
WHERE p.refunded_amount > 0 ORDER BY p.id`

const numberSQL = `
WITH wanted AS (
	SELECT 'invoice' AS kind, bill_id, NULL::bigint AS payment_id, at, row_number() OVER (ORDER BY bill_id) AS n
	FROM seed_visit WHERE bill_id IS NOT NULL
	UNION ALL
	SELECT 'receipt', NULL, payment_id, at, row_number() OVER (ORDER BY payment_id) FROM seed_visit WHERE payment_id IS NOT NULL
), counted AS (
	UPDATE core_documentcounter c SET last = c.last + w.n
	FROM (SELECT kind, count(*) AS n FROM wanted GROUP BY kind) w WHERE c.kind = w.kind
	RETURNING c.kind, c.last - w.n AS before
)
INSERT INTO core_documentnumber (kind, number, bill_id, payment_id, created_at)
SELECT w.kind, c.before + w.n, w.bill_id, w.payment_id, w.at FROM wanted w JOIN counted c ON c.kind = w.kind
ORDER BY w.kind, w.n`
