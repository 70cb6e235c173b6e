-- The day of a figure is found within the statement that writes it, whose plan is kept: a function of
-- SQL that asks a table is no part of the plan, and was read and planned anew for each row.
CREATE OR REPLACE FUNCTION core_figures_patient() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND NEW.merged_into_id IS NULL THEN
        INSERT INTO core_figuredelta (name, bucket, key, count, amount) VALUES
            ('patients', '-infinity', '', 1, 0), ('patients', core_figure_day(NEW.created_at, (SELECT zone FROM core_hospital)), '', 1, 0);
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.merged_into_id IS NULL THEN
        INSERT INTO core_figuredelta (name, bucket, key, count, amount) VALUES
            ('patients', '-infinity', '', -1, 0), ('patients', core_figure_day(OLD.created_at, (SELECT zone FROM core_hospital)), '', -1, 0);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION core_figures_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO core_figuredelta (name, bucket, key, count, amount) VALUES
            ('revenue', '-infinity', NEW.method, 1, NEW.amount),
            ('revenue', core_figure_day(NEW.payment_date, (SELECT zone FROM core_hospital)), NEW.method, 1, NEW.amount);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO core_figuredelta (name, bucket, key, count, amount) VALUES
            ('revenue', '-infinity', OLD.method, -1, -OLD.amount),
            ('revenue', core_figure_day(OLD.payment_date, (SELECT zone FROM core_hospital)), OLD.method, -1, -OLD.amount);
    END IF;
    -- What was refunded of it goes with the method, too.
    IF TG_OP = 'UPDATE' AND NEW.method <> OLD.method THEN
        INSERT INTO core_figuredelta (name, bucket, key, count, amount)
        SELECT 'revenue', b.bucket, m.method, 0, m.sign * r.amount
        FROM core_refund r, LATERAL (VALUES ('-infinity'::timestamptz), (core_figure_day(r.created_at, (SELECT zone FROM core_hospital)))) b (bucket),
             (VALUES (OLD.method, 1), (NEW.method, -1)) m (method, sign)
        WHERE r.payment_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION core_figures_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core_figuredelta (name, bucket, key, count, amount)
    SELECT 'revenue', b.bucket, p.method, 0, -NEW.amount
    FROM core_payment p, LATERAL (VALUES ('-infinity'::timestamptz), (core_figure_day(NEW.created_at, (SELECT zone FROM core_hospital)))) b (bucket)
    WHERE p.id = NEW.payment_id
    FOR NO KEY UPDATE OF p; -- or the method could change meanwhile, without this refund
    RETURN NULL;
END $$;

-- Nobody is within the functions that asked it when it goes.
LOCK TABLE core_patient, core_payment, core_refund IN SHARE ROW EXCLUSIVE MODE;
DROP FUNCTION core_figure_bucket(timestamptz);
