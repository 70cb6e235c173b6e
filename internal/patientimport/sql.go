package patientimport

// The statements stand here and not in sql/queries because they speak to a
// temporary table, of which the schema knows nothing.
const (
	lockSQL = `SELECT pg_advisory_xact_lock(hashtextextended('chelal.patientimport', 0))`

	stageSQL = `CREATE TEMPORARY TABLE patient_import (
	line            integer NOT NULL,
	system          text    NOT NULL,
	value           text    NOT NULL,
	fhir_id         text    NOT NULL,
	first_name      text    NOT NULL,
	last_name       text    NOT NULL,
	date_of_birth   date    NOT NULL,
	gender          text    NOT NULL,
	contact_info    text    NOT NULL,
	address         text    NOT NULL,
	known_allergies text    NOT NULL,
	allergies       integer NOT NULL
) ON COMMIT DROP`

	analyzeSQL = `ANALYZE patient_import`

	// Comparing whole tables is work for hash joins. The planner may believe that the
	// tables of patients are empty: statistics taken during an earlier import say so
	// until the next ANALYZE, and its nested loops would then take hours.
	hashJoinsSQL = `SET LOCAL enable_nestloop = off`
	anyJoinsSQL  = `SET LOCAL enable_nestloop TO DEFAULT`

	// Ids follow the order of the file.
	newSQL = `CREATE TEMPORARY TABLE patient_import_new ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY i.line) AS n, nextval(pg_get_serial_sequence('core_patient', 'id')) AS id, i.*
FROM patient_import i
WHERE NOT EXISTS (SELECT FROM core_patientidentifier k WHERE k.system = i.system AND k.value = i.value)`

	newIndexSQL = `CREATE UNIQUE INDEX ON patient_import_new (n)`

	countSQL = `SELECT count(*), coalesce(sum(allergies), 0) FROM patient_import_new`

	differingSQL = `SELECT i.line
FROM patient_import i
JOIN core_patientidentifier k ON k.system = i.system AND k.value = i.value
JOIN core_patient p ON p.id = k.patient_id
WHERE (i.first_name, i.last_name, i.date_of_birth, i.gender, i.contact_info, i.address)
	IS DISTINCT FROM (p.first_name, p.last_name, p.date_of_birth, p.gender, p.contact_info, p.address)
	OR i.known_allergies <> '' AND i.known_allergies <> p.known_allergies
ORDER BY i.line`

	// Patients and their audit rows, which say what was really stored.
	patientSQL = `WITH created AS (
	INSERT INTO core_patient
		(id, first_name, last_name, date_of_birth, gender, contact_info, address, known_allergies)
	SELECT id, first_name, last_name, date_of_birth, gender, contact_info, address, known_allergies
	FROM patient_import_new WHERE n > $1 AND n <= $1 + $2 ORDER BY n
	RETURNING *
)
INSERT INTO core_auditlog (action, object_type, object_id, patient_id, description, details, request_id)
SELECT 'create', 'patient', id::text, id, 'Patient imported', jsonb_build_object('after', jsonb_build_object(
		'first_name', first_name, 'last_name', last_name, 'date_of_birth', date_of_birth, 'gender', gender,
		'contact_info', contact_info, 'address', address, 'known_allergies', known_allergies,
		'unique_id', unique_id)), $3
FROM created c ORDER BY c.id`

	identifierSQL = `INSERT INTO core_patientidentifier (patient_id, system, value)
SELECT id, system, value FROM patient_import_new WHERE n > $1 AND n <= $1 + $2 ORDER BY n`

	// Allergies refer to the resource's id, also those that come in a later file. Two
	// servers may use the same one for two people; the first keeps it, since nobody is
	// known again by it who has a medical record number.
	fhirIdentifierSQL = `INSERT INTO core_patientidentifier (patient_id, system, value)
SELECT id, $3::text, fhir_id FROM patient_import_new
WHERE n > $1 AND n <= $1 + $2 AND fhir_id <> '' AND system <> $3::text ORDER BY n
ON CONFLICT ON CONSTRAINT core_patientidentifier_value_key DO NOTHING`
)
