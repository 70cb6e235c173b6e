ALTER TABLE core_auditlog
    DROP COLUMN patient_ids,
    DROP COLUMN object_ids;
