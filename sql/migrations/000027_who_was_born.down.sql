DROP INDEX core_patient_date_of_birth_idx;
CREATE INDEX core_patient_date_of_birth_idx ON core_patient (date_of_birth, id);
