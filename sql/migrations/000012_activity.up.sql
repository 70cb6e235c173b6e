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

CREATE VIEW core_figure_activity AS
    SELECT core_figure_action(action) AS name, core_figure_hour(timestamp) AS bucket, user_id::text AS key, 1 AS count, 0::numeric AS amount
    FROM core_auditlog
    WHERE user_id IS NOT NULL AND action NOT IN ('view', 'logout');

-- The whole truth has the activity, too. Its figures are removed once nobody asks for them
-- any more: it says more than core_figure of the days before yesterday.
ALTER VIEW core_figure_source RENAME TO core_figure_records;
CREATE VIEW core_figure_source AS
    SELECT name, bucket, key, count, amount FROM core_figure_records
UNION ALL
    SELECT name, bucket, key, count, amount FROM core_figure_activity;

CREATE OR REPLACE FUNCTION core_figures_rebuild() RETURNS void LANGUAGE sql AS $$
    LOCK TABLE core_patient, core_appointment, core_prescription, core_bill, core_payment, core_refund, core_auditlog IN SHARE MODE;
    DELETE FROM core_figuredelta;
    DELETE FROM core_figure;
    INSERT INTO core_figure (name, bucket, key, count, amount)
    SELECT name, bucket, key, sum(count), sum(amount) FROM core_figure_source GROUP BY name, bucket, key
$$;

INSERT INTO core_figure (name, bucket, key, count, amount)
SELECT name, bucket, key, sum(count), sum(amount) FROM core_figure_activity WHERE bucket > now() - interval '2 days'
GROUP BY name, bucket, key;
