INSERT INTO core_encounter (id, patient_id, appointment_id, doctor_id, notes, diagnosis, created_at, updated_at)
SELECT id, patient_id, appointment_id, doctor_id, notes, diagnosis, created_at, updated_at FROM adoption.encounter;

INSERT INTO core_prescription (id, encounter_id, medication_name, dosage, frequency, duration, instructions, created_at, updated_at)
SELECT id, encounter_id, medication_name, dosage, frequency, duration, instructions, created_at, updated_at FROM adoption.prescription;

-- The stock comes as the first row of its ledger.
CREATE TABLE adoption.medication_here AS
SELECT s.id, CASE WHEN btrim(s.name) = '' THEN '(unnamed ' || s.id || ')'
    WHEN row_number() OVER (PARTITION BY lower(s.name) ORDER BY s.id) > 1 THEN left(s.name, 230) || ' (' || s.id || ')'
    ELSE s.name END AS name, least(s.current_stock, 1000000000) AS stock
FROM adoption.medication s;

INSERT INTO core_medication (id, name, generic_name, description, unit, current_stock, reorder_level, updated_at)
SELECT s.id, h.name, s.generic_name, s.description, s.unit, 0, s.reorder_level, s.updated_at
FROM adoption.medication s JOIN adoption.medication_here h ON h.id = s.id;

INSERT INTO core_stockmovement (medication_id, quantity, kind, reason, created_at)
SELECT s.id, h.stock, 'opening', 'Taken over', s.updated_at
FROM adoption.medication s JOIN adoption.medication_here h ON h.id = s.id WHERE h.stock <> 0 ORDER BY s.id;

SELECT adoption.found('medication', s.id, 'name', 'name_taken', s.name, h.name)
FROM adoption.medication s JOIN adoption.medication_here h ON h.id = s.id WHERE h.name <> s.name;
SELECT adoption.found('medication', s.id, 'current_stock', 'stock_too_large', s.current_stock::text, h.stock::text)
FROM adoption.medication s JOIN adoption.medication_here h ON h.id = s.id WHERE h.stock <> s.current_stock;
