-- Who was born on a day is compared by name in the index alone: those people stand on as many pages
-- of the table, and whoever registers a patient waited for all of them.
DROP INDEX core_patient_date_of_birth_idx;
CREATE INDEX core_patient_date_of_birth_idx ON core_patient (date_of_birth, id) INCLUDE (name_key, merged_into_id);
