DROP FUNCTION core_auditlog_partitions(integer, integer);
CREATE FUNCTION core_auditlog_partitions(months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day timestamptz;
    part      text;
BEGIN
    FOR i IN 0..months LOOP
        first_day := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i)) AT TIME ZONE 'UTC';
        part := 'core_auditlog_' || to_char(first_day AT TIME ZONE 'UTC', 'YYYYMM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I PARTITION OF core_auditlog FOR VALUES FROM (%L) TO (%L)', part, first_day,
            (first_day AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
        EXECUTE format('CREATE TRIGGER core_auditlog_no_truncate BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION core_auditlog_refuse()', part);
    END LOOP;
END $$;
