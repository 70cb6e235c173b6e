-- The rules of the clinic: who has time when, what the ledger of the stock says, what
-- was checked before a prescription, and which records are one patient.

-- The zone in which starts_at and ends_at were computed from date and time. One row; the
-- server recomputes them when it is started in another zone.
CREATE TABLE core_hospital (
    id   boolean     PRIMARY KEY DEFAULT true CONSTRAINT core_hospital_one_check CHECK (id),
    zone varchar(64) NOT NULL
);

INSERT INTO core_hospital (zone) VALUES ('UTC');

INSERT INTO core_systemsetting (key, value, description, category, is_public) VALUES
    ('working_hours_start', '08:00', 'When the first appointment of a day may begin', 'appointments', true),
    ('working_hours_end', '18:00', 'When the last appointment of a day must have ended', 'appointments', true),
    ('appointment_duration', '30', 'The usual length of an appointment, in minutes', 'appointments', true),
    ('patient_self_booking', 'false', 'Whether patients may book and cancel their own appointments', 'appointments', true);

-- How people are called in lists: by their names, without any by something else.
CREATE FUNCTION core_full_name(first_name text, last_name text, otherwise text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(nullif(btrim(first_name || ' ' || last_name), ''), otherwise, '');

-- Appointments: date and time are the hospital's wall clock, starts_at and ends_at the
-- moments. An overbooked appointment is one that has a reason to stand beside another.
ALTER TABLE core_appointment
    ADD COLUMN duration_minutes integer NOT NULL DEFAULT 30
        CONSTRAINT core_appointment_duration_check CHECK (duration_minutes BETWEEN 1 AND 1440),
    ADD COLUMN starts_at       timestamptz,
    ADD COLUMN ends_at         timestamptz,
    ADD COLUMN overbook_reason text   NOT NULL DEFAULT '',
    ADD COLUMN version         bigint NOT NULL DEFAULT 1;

UPDATE core_appointment SET starts_at = (date + time) AT TIME ZONE 'UTC',
                            ends_at   = (date + time) AT TIME ZONE 'UTC' + interval '30 minutes';

UPDATE core_appointment a SET overbook_reason = 'Booked before overlaps were refused'
WHERE a.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND EXISTS (
    SELECT FROM core_appointment b
    WHERE b.id < a.id AND b.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress')
      AND (b.doctor_id = a.doctor_id OR b.patient_id = a.patient_id)
      AND b.starts_at < a.ends_at AND a.starts_at < b.ends_at);

ALTER TABLE core_appointment
    ALTER COLUMN starts_at SET NOT NULL,
    ALTER COLUMN ends_at SET NOT NULL,
    ADD CONSTRAINT core_appointment_period_check CHECK (starts_at < ends_at),
    -- Deferrable for one case: when the hospital's zone changes, all of them move at once.
    ADD CONSTRAINT core_appointment_doctor_excl
        EXCLUDE USING gist (doctor_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND overbook_reason = '')
        DEFERRABLE INITIALLY IMMEDIATE,
    ADD CONSTRAINT core_appointment_patient_excl
        EXCLUDE USING gist (patient_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND overbook_reason = '')
        DEFERRABLE INITIALLY IMMEDIATE;

DROP INDEX idx_appointment_date, idx_appointment_doctor_date, idx_appointment_patient;
CREATE INDEX idx_appointment_date ON core_appointment (date, time, id);
CREATE INDEX idx_appointment_doctor_date ON core_appointment (doctor_id, date, time, id);
CREATE INDEX idx_appointment_patient ON core_appointment (patient_id, date, time, id);
CREATE INDEX core_appointment_status_idx ON core_appointment (status, date, time, id);
CREATE INDEX core_appointment_created_at_idx ON core_appointment (created_at, id);
CREATE INDEX core_appointment_updated_at_idx ON core_appointment (updated_at, id);

ALTER TABLE core_encounter ADD COLUMN version bigint NOT NULL DEFAULT 1;

DROP INDEX core_encounter_patient_idx, core_encounter_doctor_idx;
CREATE INDEX core_encounter_patient_idx ON core_encounter (patient_id, created_at, id);
CREATE INDEX core_encounter_doctor_idx ON core_encounter (doctor_id, created_at, id);
CREATE INDEX core_encounter_created_at_idx ON core_encounter (created_at, id);
CREATE INDEX core_encounter_updated_at_idx ON core_encounter (updated_at, id);

ALTER TABLE core_medication
    ADD COLUMN version     bigint NOT NULL DEFAULT 1,
    ADD COLUMN search_text text   NOT NULL GENERATED ALWAYS AS
        (' ' || core_search_key(name || ' ' || generic_name)) STORED,
    ADD CONSTRAINT core_medication_name_check CHECK (name <> ''),
    -- Far below the type's end, so that no adjustment can reach it.
    ADD CONSTRAINT core_medication_stock_limit_check CHECK (current_stock <= 1000000000);

CREATE UNIQUE INDEX core_medication_name_lower_key ON core_medication (lower(name));
CREATE INDEX core_medication_search_idx ON core_medication USING gin (search_text gin_trgm_ops) WITH (fastupdate = off);
CREATE INDEX core_medication_low_idx ON core_medication (name) WHERE current_stock <= reorder_level;

ALTER TABLE core_prescription
    ADD COLUMN medication_id   bigint CONSTRAINT core_prescription_medication_fkey REFERENCES core_medication (id),
    ADD COLUMN quantity        integer CONSTRAINT core_prescription_quantity_check CHECK (quantity > 0),
    ADD COLUMN override_reason text        NOT NULL DEFAULT '',
    -- What was found when the prescription was written, and by which edition of the table.
    ADD COLUMN allergy_check   varchar(20) NOT NULL DEFAULT 'not_checked'
        CONSTRAINT core_prescription_allergy_check CHECK (allergy_check IN ('clear', 'conflict_overridden', 'not_checked')),
    ADD COLUMN allergy_table   varchar(20) NOT NULL DEFAULT '',
    ADD COLUMN allergy_note    text        NOT NULL DEFAULT '',
    ADD COLUMN dispensed_at    timestamptz,
    ADD COLUMN dispensed_by_id bigint CONSTRAINT core_prescription_dispenser_fkey REFERENCES core_user (id),
    ADD COLUMN version         bigint NOT NULL DEFAULT 1,
    ADD COLUMN search_text     text   NOT NULL GENERATED ALWAYS AS (' ' || core_search_key(medication_name)) STORED,
    ADD CONSTRAINT core_prescription_override_check CHECK (allergy_check <> 'conflict_overridden' OR override_reason <> ''),
    ADD CONSTRAINT core_prescription_dispensed_check CHECK (
        (dispensed_at IS NULL) = (dispensed_by_id IS NULL)
        AND (dispensed_at IS NULL OR (medication_id IS NOT NULL AND quantity IS NOT NULL)));

CREATE INDEX core_prescription_created_at_idx ON core_prescription (created_at, id);
CREATE INDEX core_prescription_updated_at_idx ON core_prescription (updated_at, id);
CREATE INDEX core_prescription_medication_idx ON core_prescription (medication_id, id);
CREATE INDEX core_prescription_search_idx ON core_prescription USING gin (search_text gin_trgm_ops) WITH (fastupdate = off);
CREATE INDEX core_prescription_dispenser_idx ON core_prescription (dispensed_by_id);
-- What the pharmacy has still to do: a few rows among very many.
CREATE INDEX core_prescription_open_idx ON core_prescription (created_at, id) WHERE dispensed_at IS NULL;

-- The ledger of the stock. A row is never changed; what was wrong is put right by another.
-- prescription_id is unique: a prescription takes stock once.
CREATE TABLE core_stockmovement (
    id              bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    medication_id   bigint      NOT NULL CONSTRAINT core_stockmovement_medication_fkey REFERENCES core_medication (id),
    quantity        integer     NOT NULL CONSTRAINT core_stockmovement_quantity_check CHECK (quantity <> 0),
    kind            varchar(20) NOT NULL
        CONSTRAINT core_stockmovement_kind_check CHECK (kind IN ('opening', 'adjustment', 'correction', 'dispense')),
    reason          text        NOT NULL CONSTRAINT core_stockmovement_reason_check CHECK (reason <> ''),
    stock_after     integer     NOT NULL CONSTRAINT core_stockmovement_stock_check CHECK (stock_after >= 0),
    prescription_id bigint CONSTRAINT core_stockmovement_prescription_fkey REFERENCES core_prescription (id)
        CONSTRAINT core_stockmovement_prescription_key UNIQUE,
    user_id         bigint CONSTRAINT core_stockmovement_user_fkey REFERENCES core_user (id),
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT core_stockmovement_dispense_check CHECK ((kind = 'dispense') = (prescription_id IS NOT NULL))
);

CREATE INDEX core_stockmovement_medication_idx ON core_stockmovement (medication_id, id);
CREATE INDEX core_stockmovement_user_idx ON core_stockmovement (user_id);

INSERT INTO core_stockmovement (medication_id, quantity, kind, reason, stock_after, created_at)
SELECT id, current_stock, 'opening', 'Stock before the ledger began', current_stock, updated_at
FROM core_medication WHERE current_stock <> 0;

-- The stock is the sum of the ledger, because it changes by a row of the ledger alone.
CREATE FUNCTION core_stockmovement_apply() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE core_medication SET current_stock = current_stock + NEW.quantity, updated_at = NEW.created_at, version = version + 1
    WHERE id = NEW.medication_id
    RETURNING current_stock INTO NEW.stock_after;
    RETURN NEW;
END $$;

CREATE FUNCTION core_stockmovement_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of the stock''s ledger are never changed or removed'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'core_stockmovement_append_only';
END $$;

CREATE FUNCTION core_medication_stock_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.current_stock <> 0
        OR TG_OP = 'UPDATE' AND NEW.current_stock <> OLD.current_stock AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'the stock changes by a row of its ledger alone'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'core_medication_stock_guard';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER core_stockmovement_apply BEFORE INSERT ON core_stockmovement
    FOR EACH ROW EXECUTE FUNCTION core_stockmovement_apply();
CREATE TRIGGER core_stockmovement_append_only BEFORE UPDATE OR DELETE ON core_stockmovement
    FOR EACH ROW EXECUTE FUNCTION core_stockmovement_refuse();
CREATE TRIGGER core_stockmovement_no_truncate BEFORE TRUNCATE ON core_stockmovement
    FOR EACH STATEMENT EXECUTE FUNCTION core_stockmovement_refuse();
CREATE TRIGGER core_medication_stock_guard BEFORE INSERT OR UPDATE OF current_stock ON core_medication
    FOR EACH ROW EXECUTE FUNCTION core_medication_stock_guard();

-- Two records of one patient: the duplicate stays, empty, and points at the survivor.
ALTER TABLE core_patient
    ADD COLUMN merged_into_id bigint CONSTRAINT core_patient_merged_into_fkey REFERENCES core_patient (id)
        CONSTRAINT core_patient_merged_into_check CHECK (merged_into_id <> id);

CREATE INDEX core_patient_merged_into_idx ON core_patient (merged_into_id) WHERE merged_into_id IS NOT NULL;

-- What a merge did, so that it can be undone.
CREATE TABLE core_patientmerge (
    id               bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    survivor_id      bigint      NOT NULL CONSTRAINT core_patientmerge_survivor_fkey REFERENCES core_patient (id),
    duplicate_id     bigint      NOT NULL CONSTRAINT core_patientmerge_duplicate_fkey REFERENCES core_patient (id),
    user_id          bigint,     -- the account that moved to the survivor
    allergies_before text        NOT NULL, -- the survivor's
    allergies_after  text        NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    undone_at        timestamptz
);

CREATE UNIQUE INDEX core_patientmerge_duplicate_key ON core_patientmerge (duplicate_id) WHERE undone_at IS NULL;
CREATE INDEX core_patientmerge_survivor_idx ON core_patientmerge (survivor_id);
CREATE INDEX core_patientmerge_duplicate_idx ON core_patientmerge (duplicate_id);

-- The rows that were moved, by their tables.
CREATE TABLE core_patientmergerow (
    merge_id   bigint      NOT NULL CONSTRAINT core_patientmergerow_merge_fkey REFERENCES core_patientmerge (id) ON DELETE CASCADE,
    table_name varchar(63) NOT NULL,
    row_id     bigint      NOT NULL,
    PRIMARY KEY (merge_id, table_name, row_id)
);
