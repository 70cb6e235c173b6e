-- PatientTimeline answers what lies before (at, type, id) in the timeline of a patient,
-- the latest first, of one kind unless kind is empty. Each kind is cut by itself: the
-- page costs no more for a patient with a long history of another kind.
-- name: PatientTimeline :many
SELECT t.type, t.id, t.at, t.title, t.status, t.amount, d.id AS doctor_id,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name
FROM (
    (SELECT 'appointment'::text AS type, a.id, a.starts_at AS at, a.notes AS title, a.status::text AS status,
        ''::text AS amount, a.doctor_id
    FROM core_appointment a
    WHERE a.patient_id = sqlc.arg(patient_id) AND sqlc.arg(kind)::text IN ('', 'appointment')
      AND (a.starts_at, 'appointment', a.id) < (sqlc.arg(at)::text::timestamptz, sqlc.arg(type)::text, sqlc.arg(id)::text::bigint)
    ORDER BY a.starts_at DESC, a.id DESC LIMIT sqlc.arg(most))
    UNION ALL
    (SELECT 'encounter', e.id, e.created_at, coalesce(nullif(e.diagnosis, ''), left(e.notes, 100)), '', '', e.doctor_id
    FROM core_encounter e
    WHERE e.patient_id = sqlc.arg(patient_id) AND sqlc.arg(kind)::text IN ('', 'encounter')
      AND (e.created_at, 'encounter', e.id) < (sqlc.arg(at)::text::timestamptz, sqlc.arg(type)::text, sqlc.arg(id)::text::bigint)
    ORDER BY e.created_at DESC, e.id DESC LIMIT sqlc.arg(most))
    UNION ALL
    (SELECT 'prescription', r.id, r.created_at, r.medication_name || ' ' || r.dosage,
        CASE WHEN r.dispensed_at IS NULL THEN 'prescribed' ELSE 'dispensed' END, '', e.doctor_id
    FROM core_encounter e JOIN core_prescription r ON r.encounter_id = e.id
    WHERE e.patient_id = sqlc.arg(patient_id) AND sqlc.arg(kind)::text IN ('', 'prescription')
      AND (r.created_at, 'prescription', r.id) < (sqlc.arg(at)::text::timestamptz, sqlc.arg(type)::text, sqlc.arg(id)::text::bigint)
    ORDER BY r.created_at DESC, r.id DESC LIMIT sqlc.arg(most))
    UNION ALL
    (SELECT 'bill', b.id, b.date_issued, b.notes, CASE WHEN b.is_paid THEN 'paid' ELSE 'unpaid' END,
        b.total_amount::text, NULL::bigint
    FROM core_bill b
    WHERE b.patient_id = sqlc.arg(patient_id) AND sqlc.arg(kind)::text IN ('', 'bill')
      AND (b.date_issued, 'bill', b.id) < (sqlc.arg(at)::text::timestamptz, sqlc.arg(type)::text, sqlc.arg(id)::text::bigint)
    ORDER BY b.date_issued DESC, b.id DESC LIMIT sqlc.arg(most))
    UNION ALL
    (SELECT 'payment', y.id, y.payment_date, y.method, '', y.amount::text, NULL::bigint
    FROM core_bill b JOIN core_payment y ON y.bill_id = b.id
    WHERE b.patient_id = sqlc.arg(patient_id) AND sqlc.arg(kind)::text IN ('', 'payment')
      AND (y.payment_date, 'payment', y.id) < (sqlc.arg(at)::text::timestamptz, sqlc.arg(type)::text, sqlc.arg(id)::text::bigint)
    ORDER BY y.payment_date DESC, y.id DESC LIMIT sqlc.arg(most))
) t
LEFT JOIN core_user d ON d.id = t.doctor_id
ORDER BY t.at DESC, t.type DESC, t.id DESC
LIMIT sqlc.arg(most);
