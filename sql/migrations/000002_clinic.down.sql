DROP TABLE core_prescription, core_medication, core_encounter, core_appointment, core_patientidentifier, core_patient;
DROP FUNCTION core_patient_number;
