DROP TABLE core_patientmergerow, core_patientmerge;
ALTER TABLE core_patient DROP COLUMN merged_into_id;

DROP TABLE core_stockmovement;
DROP TRIGGER core_medication_stock_guard ON core_medication;
DROP FUNCTION core_stockmovement_apply(), core_stockmovement_refuse(), core_medication_stock_guard();

DROP INDEX core_prescription_created_at_idx, core_prescription_updated_at_idx;
ALTER TABLE core_prescription
    DROP CONSTRAINT core_prescription_dispensed_check,
    DROP CONSTRAINT core_prescription_override_check,
    DROP COLUMN medication_id, DROP COLUMN quantity, DROP COLUMN override_reason, DROP COLUMN allergy_check,
    DROP COLUMN allergy_table, DROP COLUMN allergy_note, DROP COLUMN dispensed_at, DROP COLUMN dispensed_by_id,
    DROP COLUMN version, DROP COLUMN search_text;

DROP INDEX core_medication_name_lower_key, core_medication_low_idx;
ALTER TABLE core_medication
    DROP CONSTRAINT core_medication_name_check, DROP CONSTRAINT core_medication_stock_limit_check, DROP COLUMN version, DROP COLUMN search_text;

DROP INDEX core_encounter_patient_idx, core_encounter_doctor_idx, core_encounter_created_at_idx, core_encounter_updated_at_idx;
CREATE INDEX core_encounter_patient_idx ON core_encounter (patient_id);
CREATE INDEX core_encounter_doctor_idx ON core_encounter (doctor_id);
ALTER TABLE core_encounter DROP COLUMN version;

DROP INDEX idx_appointment_date, idx_appointment_doctor_date, idx_appointment_patient, core_appointment_status_idx,
    core_appointment_created_at_idx, core_appointment_updated_at_idx;
CREATE INDEX idx_appointment_date ON core_appointment (date);
CREATE INDEX idx_appointment_doctor_date ON core_appointment (doctor_id, date);
CREATE INDEX idx_appointment_patient ON core_appointment (patient_id);
ALTER TABLE core_appointment
    DROP CONSTRAINT core_appointment_doctor_excl,
    DROP CONSTRAINT core_appointment_patient_excl,
    DROP CONSTRAINT core_appointment_period_check,
    DROP COLUMN duration_minutes, DROP COLUMN starts_at, DROP COLUMN ends_at, DROP COLUMN overbook_reason, DROP COLUMN version;

DELETE FROM core_systemsetting WHERE key IN
    ('working_hours_start', 'working_hours_end', 'appointment_duration', 'patient_self_booking');
DROP TABLE core_hospital;
DROP FUNCTION core_full_name;
