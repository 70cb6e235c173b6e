-- Makes the partitions of the audit log from the given number of months ago until the given
-- number of months ahead. A month of which core_auditlog_default holds rows gets none: its
-- rows cannot be moved, and the others must not wait for it.
DROP FUNCTION core_auditlog_partitions(integer);
CREATE FUNCTION core_auditlog_partitions(ahead integer, ago integer DEFAULT 0) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day timestamptz;
    next_day  timestamptz;
    part      text;
BEGIN
    FOR i IN -ago..ahead LOOP
        first_day := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i)) AT TIME ZONE 'UTC';
        next_day := (first_day AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
        part := 'core_auditlog_' || to_char(first_day AT TIME ZONE 'UTC', 'YYYYMM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL
            OR EXISTS (SELECT FROM core_auditlog_default WHERE timestamp >= first_day AND timestamp < next_day);
        EXECUTE format('CREATE TABLE %I PARTITION OF core_auditlog FOR VALUES FROM (%L) TO (%L)', part, first_day, next_day);
        EXECUTE format('CREATE TRIGGER core_auditlog_no_truncate BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION core_auditlog_refuse()', part);
    END LOOP;
END $$;
