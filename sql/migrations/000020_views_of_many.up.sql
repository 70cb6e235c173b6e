-- What an answer shows of several patients is one row of the log. patient_ids then says whose
-- records, object_ids which ones, where these are not the patients themselves. Both are found
-- by GIN indexes, into which the ids go together once 64 kB of them wait: so the page that
-- everybody has open costs a quarter, and nobody is held up by more than some milliseconds.
-- ONLY declares them: the partitions' own are built after the migration, while others write.
ALTER TABLE core_auditlog
    ADD COLUMN patient_ids bigint[],
    ADD COLUMN object_ids  bigint[];

CREATE INDEX core_auditlog_patients_idx ON ONLY core_auditlog USING gin (patient_ids)
    WITH (gin_pending_list_limit = 64) WHERE patient_ids IS NOT NULL;
CREATE INDEX core_auditlog_objects_idx ON ONLY core_auditlog USING gin (object_ids)
    WITH (gin_pending_list_limit = 64) WHERE object_ids IS NOT NULL;
