-- What an answer shows of several patients is one row of the log. patient_ids then says whose
-- records, object_ids which ones, where these are not the patients themselves. Both are found
-- by GIN indexes without a pending list: to empty it would hold up one reader for many.
-- ONLY declares them: the partitions' own are built after the migration, while others write.
ALTER TABLE core_auditlog
    ADD COLUMN patient_ids bigint[],
    ADD COLUMN object_ids  bigint[];

CREATE INDEX core_auditlog_patients_idx ON ONLY core_auditlog USING gin (patient_ids) WITH (fastupdate = off)
    WHERE patient_ids IS NOT NULL;
CREATE INDEX core_auditlog_objects_idx ON ONLY core_auditlog USING gin (object_ids) WITH (fastupdate = off)
    WHERE object_ids IS NOT NULL;
