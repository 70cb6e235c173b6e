INSERT INTO core_patient (id, unique_id, first_name, last_name, date_of_birth, gender, contact_info, address, known_allergies,
    created_at, updated_at)
SELECT s.id, s.unique_id, coalesce(nullif(btrim(s.first_name), ''), '(unknown)'), s.last_name, s.date_of_birth,
    CASE WHEN lower(btrim(s.gender)) IN ('m', 'f', 'o', 'u', 'male', 'female', 'other', 'unknown', 'prefer-not-to-say')
        THEN btrim(s.gender) ELSE 'unknown' END,
    s.contact_info, s.address, s.known_allergies, s.created_at, s.updated_at
FROM adoption.patient s;

SELECT adoption.found('patient', s.id, 'first_name', 'name_missing', s.first_name, p.first_name)
FROM adoption.patient s JOIN core_patient p ON p.id = s.id WHERE p.first_name IS DISTINCT FROM s.first_name;
SELECT adoption.found('patient', s.id, 'gender', 'gender_unknown', s.gender, p.gender)
FROM adoption.patient s JOIN core_patient p ON p.id = s.id WHERE p.gender IS DISTINCT FROM s.gender;
