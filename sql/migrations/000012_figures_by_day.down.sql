DROP TRIGGER core_figures ON core_auditlog;
DROP FUNCTION core_figures_auditlog();
DROP VIEW core_figure_source;
DROP FUNCTION core_figure_action(text);
DROP FUNCTION core_figure_hour(timestamptz);
CREATE OR REPLACE FUNCTION core_figure_bucket(at timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN date_bin('15 minutes', at, '2000-01-01T00:00:00Z');
DROP FUNCTION core_figure_day(timestamptz, text);
CREATE VIEW core_figure_source AS
    SELECT 'appointments' AS name, '-infinity'::timestamptz AS bucket, doctor_id::text AS key, 1 AS count, 0::numeric AS amount
    FROM core_appointment
UNION ALL
    SELECT 'patients', b.bucket, '', 1, 0
    FROM core_patient, LATERAL (VALUES ('-infinity'::timestamptz), (core_figure_bucket(created_at))) b (bucket)
    WHERE merged_into_id IS NULL
UNION ALL
    SELECT 'prescriptions', '-infinity', medication_name, 1, 0 FROM core_prescription
UNION ALL
    SELECT 'bills', '-infinity', '', 1, 0 FROM core_bill
UNION ALL
    SELECT 'open_bills', '-infinity', '', 1, total_amount - amount_paid FROM core_bill WHERE NOT is_paid
UNION ALL
    SELECT 'revenue', b.bucket, p.method, 1, p.amount
    FROM core_payment p, LATERAL (VALUES ('-infinity'::timestamptz), (core_figure_bucket(p.payment_date))) b (bucket)
UNION ALL
    SELECT 'revenue', b.bucket, p.method, 0, -r.amount
    FROM core_refund r JOIN core_payment p ON p.id = r.payment_id,
         LATERAL (VALUES ('-infinity'::timestamptz), (core_figure_bucket(r.created_at))) b (bucket);
CREATE OR REPLACE FUNCTION core_figures_rebuild() RETURNS void LANGUAGE sql AS $$
    LOCK TABLE core_patient, core_appointment, core_prescription, core_bill, core_payment, core_refund IN SHARE MODE;
    DELETE FROM core_figuredelta;
    DELETE FROM core_figure;
    INSERT INTO core_figure (name, bucket, key, count, amount)
    SELECT name, bucket, key, sum(count), sum(amount) FROM core_figure_source GROUP BY name, bucket, key
$$;
COMMENT ON COLUMN core_figure.bucket IS NULL;
SELECT core_figures_rebuild();
