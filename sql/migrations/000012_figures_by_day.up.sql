-- Figures of a time are kept by the hospital's day, as the midnight in UTC of its date: a
-- year is then a few thousand rows, however much is paid. They are made anew when the
-- hospital's zone changes.
COMMENT ON COLUMN core_figure.bucket IS 'a day of the hospital, as midnight UTC; an hour of activity; or -infinity for all of history';

CREATE FUNCTION core_figure_day(at timestamptz, zone text) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN date_trunc('day', at AT TIME ZONE zone) AT TIME ZONE 'UTC';

CREATE OR REPLACE FUNCTION core_figure_bucket(at timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE RETURN (SELECT core_figure_day(at, zone) FROM core_hospital);

-- Who does how much, hour by hour, as figures: a busy hospital writes a million rows a day
-- into the audit log, too many to count for a dashboard. What was merely seen is not counted.
CREATE FUNCTION core_figure_hour(at timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN date_bin('1 hour', at, '2000-01-01T00:00:00Z');

CREATE FUNCTION core_figure_action(action text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN action IN ('create', 'edit', 'delete') THEN 'changes' ELSE 'other_actions' END;

CREATE FUNCTION core_figures_auditlog() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core_figuredelta (name, bucket, key, count, amount)
    VALUES (core_figure_action(NEW.action), core_figure_hour(NEW.timestamp), NEW.user_id, 1, 0);
    RETURN NULL;
END $$;

CREATE TRIGGER core_figures AFTER INSERT ON core_auditlog
    FOR EACH ROW WHEN (NEW.user_id IS NOT NULL AND NEW.action NOT IN ('view', 'logout')) EXECUTE FUNCTION core_figures_auditlog();

-- The whole truth. Of the activity it says more than core_figure, where the days before
-- yesterday are removed: nobody asks for them any more.
CREATE OR REPLACE VIEW core_figure_source AS
    SELECT 'appointments' AS name, '-infinity'::timestamptz AS bucket, doctor_id::text AS key, 1 AS count, 0::numeric AS amount
    FROM core_appointment
UNION ALL
    SELECT 'patients', b.bucket, '', 1, 0
    FROM core_patient, core_hospital h, LATERAL (VALUES ('-infinity'::timestamptz), (core_figure_day(created_at, h.zone))) b (bucket)
    WHERE merged_into_id IS NULL
UNION ALL
    SELECT 'prescriptions', '-infinity', medication_name, 1, 0 FROM core_prescription
UNION ALL
    SELECT 'bills', '-infinity', '', 1, 0 FROM core_bill
UNION ALL
    SELECT 'open_bills', '-infinity', '', 1, total_amount - amount_paid FROM core_bill WHERE NOT is_paid
UNION ALL
    SELECT 'revenue', b.bucket, p.method, 1, p.amount
    FROM core_payment p, core_hospital h, LATERAL (VALUES ('-infinity'::timestamptz), (core_figure_day(p.payment_date, h.zone))) b (bucket)
UNION ALL
    SELECT 'revenue', b.bucket, p.method, 0, -r.amount
    FROM core_refund r JOIN core_payment p ON p.id = r.payment_id, core_hospital h,
         LATERAL (VALUES ('-infinity'::timestamptz), (core_figure_day(r.created_at, h.zone))) b (bucket)
UNION ALL
    SELECT core_figure_action(action), core_figure_hour(timestamp), user_id::text, 1, 0
    FROM core_auditlog WHERE user_id IS NOT NULL AND action NOT IN ('view', 'logout');

CREATE OR REPLACE FUNCTION core_figures_rebuild() RETURNS void LANGUAGE sql AS $$
    LOCK TABLE core_patient, core_appointment, core_prescription, core_bill, core_payment, core_refund, core_auditlog IN SHARE MODE;
    DELETE FROM core_figuredelta;
    DELETE FROM core_figure;
    INSERT INTO core_figure (name, bucket, key, count, amount)
    SELECT name, bucket, key, sum(count), sum(amount) FROM core_figure_source GROUP BY name, bucket, key
$$;

SELECT core_figures_rebuild();
