DROP TRIGGER core_figures ON core_auditlog;
DELETE FROM core_figuredelta WHERE name IN ('changes', 'other_actions');
DELETE FROM core_figure WHERE name IN ('changes', 'other_actions');
DROP VIEW core_figure_source;
ALTER VIEW core_figure_records RENAME TO core_figure_source;
DROP VIEW core_figure_activity;
CREATE OR REPLACE FUNCTION core_figures_rebuild() RETURNS void LANGUAGE sql AS $$
    LOCK TABLE core_patient, core_appointment, core_prescription, core_bill, core_payment, core_refund IN SHARE MODE;
    DELETE FROM core_figuredelta;
    DELETE FROM core_figure;
    INSERT INTO core_figure (name, bucket, key, count, amount)
    SELECT name, bucket, key, sum(count), sum(amount) FROM core_figure_source GROUP BY name, bucket, key
$$;
DROP FUNCTION core_figures_auditlog();
DROP FUNCTION core_figure_action(text);
DROP FUNCTION core_figure_hour(timestamptz);
