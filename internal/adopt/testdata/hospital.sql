-- A hospital with what hospitals have: most of it in order, and every kind of what is not.
INSERT INTO core_role (id, name, description) VALUES
    (1, 'Receptionist', ''), (2, 'Admin', ''), (3, 'doctor', 'in lower case'), (4, 'Nurse', ''), (5, 'Patient', ''), (7, 'Lab Technician', 'Tests'), (8, 'Pharmacist', '');
INSERT INTO core_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined, language_preference,
    preferences, profile_image, two_factor_enabled, two_factor_secret, role_id)
SELECT n, 'pbkdf2_sha256$1000$salt$rk7YS6Q7XmHSaTF1HDJynrZMjuOjBp7dzD3I26rBHsU=', NULL, n = 1, 'user' || n, 'First' || n, 'Last' || n, 'user' || n || '@example.org', n = 1, true,
    '2020-01-01T08:00Z', 'en', '{}', NULL, false, NULL, CASE WHEN n = 1 THEN 2 WHEN n <= 10 THEN 3 WHEN n <= 20 THEN 1 WHEN n = 21 THEN 7 END
FROM generate_series(1, 30) n;
UPDATE core_user SET password = '!unusable' WHERE id = 19;
UPDATE core_user SET password = 'bcrypt_sha256$$2b$12$x' WHERE id = 20;
UPDATE core_user SET email = '' WHERE id IN (22, 23);                                   -- none
UPDATE core_user SET email = ' user15@example.org ' WHERE id = 15;
UPDATE core_user SET email = '   ' WHERE id = 16;
UPDATE core_user SET email = 'USER2@example.org' WHERE id IN (24, 25);                  -- another's
UPDATE core_user SET username = 'front@example.org', email = 'else@example.org' WHERE id = 26;
UPDATE core_user SET username = 'Front@example.org', email = '' WHERE id = 27;
UPDATE core_user SET language_preference = 'de', preferences = '[1]', two_factor_enabled = true WHERE id = 28;
UPDATE core_user SET preferences = NULL, profile_image = 'profile_images/a.png', two_factor_secret = 'JBSWY3DPEHPK3PXP' WHERE id = 29;
UPDATE core_user SET profile_image = 'profile_images/a.png', is_active = false WHERE id = 30;
INSERT INTO core_user_groups (user_id, group_id) VALUES (1, 1);
ALTER TABLE core_patient ADD COLUMN blood_group varchar(3);                             -- the hospital's own
INSERT INTO core_patient (id, unique_id, first_name, last_name, date_of_birth, gender, contact_info, address, known_allergies, created_at, updated_at, blood_group)
SELECT n, 'P' || lpad(n::text, 8, '0'), 'Ann' || n, 'Lee''s <' || n || '>', date '1950-01-01' + n, (ARRAY['Male', 'Female', 'F', 'other'])[1 + n % 4], '+254 700 ' || n, '',
    CASE WHEN n % 7 = 0 THEN 'Penicillin' ELSE '' END, '2024-01-01T08:00Z'::timestamptz + n * interval '1 hour', '2024-06-01T08:00Z', CASE WHEN n = 3 THEN 'A+' END
FROM generate_series(1, 300) n;
UPDATE core_patient SET gender = 'X' WHERE id = 5;
UPDATE core_patient SET gender = ' F ', first_name = '  ' WHERE id = 6;
UPDATE core_patient SET first_name = ' Zoë ', last_name = '' WHERE id = 7;
INSERT INTO core_appointment (id, date, time, status, notes, created_at, updated_at, doctor_id, patient_id)
SELECT n, date '2025-01-01' + n, time '09:00', (ARRAY['scheduled', 'completed', 'cancelled'])[1 + n % 3], 'Visit ' || n, '2024-12-01T08:00Z', '2024-12-01T08:00Z', 2 + n % 9, 1 + n % 300
FROM generate_series(1, 600) n;
INSERT INTO core_appointment (id, date, time, status, notes, created_at, updated_at, doctor_id, patient_id) VALUES
    (700, '2030-05-05', '10:00', 'scheduled', 'first', now(), now(), 2, 1), (701, '2030-05-05', '10:15', 'scheduled', 'same doctor', now(), now(), 2, 2),
    (702, '2030-05-05', '10:00', 'scheduled', 'same patient', now(), now(), 3, 1), (703, '2030-05-05', '10:30', 'scheduled', 'right behind the first', now(), now(), 2, 3),
    (704, '2030-05-05', '10:00', 'cancelled', 'not in the way', now(), now(), 2, 4), (705, '2030-05-06', '10:00', 'no-show', '', now(), now(), 2, 4),
    (706, '2030-05-07', '10:00', 'in-progress', '', now(), now(), 2, 4), (707, '2030-05-08', '10:00', 'whatever', '', now(), now(), 2, 4),
    (708, '2020-05-08', '10:00', '', '', now(), now(), 2, 4);
INSERT INTO core_encounter (id, notes, diagnosis, created_at, updated_at, appointment_id, doctor_id, patient_id)
SELECT n, 'Notes ' || n, CASE WHEN n % 2 = 0 THEN 'Malaria' ELSE '' END, '2025-02-01T08:00Z', '2025-02-01T08:00Z', CASE WHEN n % 3 > 0 THEN n END, 2 + n % 9, 1 + n % 300 FROM generate_series(1, 400) n;
INSERT INTO core_prescription (id, medication_name, dosage, frequency, duration, instructions, created_at, updated_at, encounter_id)
SELECT n, 'Amoxicillin', '500 mg', 'three times a day', '', '', '2025-02-01T08:00Z', '2025-02-01T08:00Z', n FROM generate_series(1, 400) n;
INSERT INTO core_medication (id, name, generic_name, description, unit, current_stock, reorder_level, updated_at) VALUES
    (1, 'Amoxicillin', '', '', 'capsule', 100, 10, '2025-01-01T08:00Z'), (2, 'amoxicillin', '', '', 'capsule', 0, 10, '2025-01-01T08:00Z'),
    (3, '', '', '', 'tablet', 5, 10, '2025-01-01T08:00Z'), (4, 'Water', '', '', 'l', 2000000000, 10, '2025-01-01T08:00Z');
-- Bills in order: two lines, paid in full, in part or not at all.
INSERT INTO core_bill (id, date_issued, total_amount, is_paid, notes, encounter_id, patient_id)
SELECT n, '2025-03-01T08:00Z'::timestamptz + n * interval '1 hour', 150, n % 3 = 0, '', n, 1 + n % 300 FROM generate_series(1, 300) n;
INSERT INTO core_billitem (id, description, amount, quantity, bill_id) SELECT 2 * n + i, 'Line', 50, 1 + i, n FROM generate_series(1, 300) n, generate_series(0, 1) i;
INSERT INTO core_payment (id, amount, payment_date, method, reference, bill_id, received_by_id)
SELECT n, CASE WHEN n % 3 = 0 THEN 150 ELSE 20 END, '2025-03-02T08:00Z'::timestamptz + n * interval '1 hour', (ARRAY['Cash', 'Card', 'Insurance', 'Bank Transfer'])[1 + n % 4], '', n, 11
FROM generate_series(1, 300) n WHERE n % 3 <> 1;
INSERT INTO core_bill (id, date_issued, total_amount, is_paid, notes, patient_id) VALUES
    (401, '2025-04-01T08:00Z', 500, false, 'more than its lines', 1), (402, '2025-04-01T08:00Z', 30, false, 'less than its lines', 1),
    (403, '2025-04-01T08:00Z', 80, true, 'paid, they say', 1), (404, '2025-04-01T08:00Z', 80, false, 'open, they say', 1),
    (405, '2025-04-01T08:00Z', 80, true, 'overpaid', 1), (406, '2025-04-01T08:00Z', 100, false, 'given back', 1),
    (407, '2025-04-01T08:00Z', 100, false, 'given back more than paid', 1), (408, '2025-04-01T08:00Z', -20, false, 'negative', 1),
    (409, '2025-04-01T08:00Z', 60, false, 'odd lines', 1), (410, '2025-04-01T08:00Z', 300000000, false, 'large', 1), (411, '2025-04-01T08:00Z', 0, false, 'empty', 1);
INSERT INTO core_billitem (id, description, amount, quantity, bill_id) VALUES
    (1001, 'A', 100, 2, 401), (1002, 'B', 100, 2, 402), (1003, 'C', 80, 1, 403), (1004, 'D', 80, 1, 404), (1005, 'E', 80, 1, 405), (1006, 'F', 100, 1, 406),
    (1007, 'G', 100, 1, 407), (1008, '', 60, 1, 409), (1009, 'none of it', 10, 0, 409), (1010, 'discount', -5, 1, 409), (1011, 'large', 99999999.99, 3, 410);
INSERT INTO core_payment (id, amount, payment_date, method, reference, bill_id, received_by_id) VALUES
    (901, 80, '2025-04-02T08:00Z', 'cash', '', 404, NULL), (902, 100, '2025-04-02T08:00Z', '', 'R1', 405, 11),
    (903, 60, '2025-04-02T08:00Z', 'credit_card', '', 406, 11), (904, 60, '2025-04-03T08:00Z', 'check', '', 406, 11), (905, -70, '2025-04-04T08:00Z', 'Cash', 'came back', 406, 12),
    (906, 10, '2025-04-02T08:00Z', 'Mobile Money', '', 407, 11), (907, -30, '2025-04-03T08:00Z', 'Cash', '', 407, 11), (908, 0, '2025-04-03T08:00Z', 'Cash', 'nothing', 407, 11);
INSERT INTO core_notification (id, title, message, type, is_read, created_at, related_appointment_id, user_id)
SELECT n, 'Notification', 'm' || n, (ARRAY['', 'appointment'])[1 + n % 2], n % 2 = 0, now(), CASE WHEN n % 2 = 0 THEN n END, 1 + n % 30 FROM generate_series(1, 50) n;
INSERT INTO core_rolechangerequest (id, reason, status, review_notes, created_at, updated_at, requested_role_id, reviewed_by_id, user_id) VALUES
    (1, 'please', 'pending', '', '2025-01-01T08:00Z', now(), 3, NULL, 22), (2, 'please!', 'pending', '', '2025-01-02T08:00Z', now(), 3, NULL, 22),
    (3, 'me', 'approved', '', now(), now(), 2, 23, 23), (4, 'odd', 'later', '', now(), now(), 7, 1, 24);
INSERT INTO core_loginactivity (id, timestamp, ip_address, user_agent, status, user_id)
SELECT n, now() - n * interval '1 hour', CASE WHEN n = 10 THEN inet '10.1.2.0/24' WHEN n % 2 = 0 THEN inet '192.0.2.7' END, 'Mozilla', CASE WHEN n = 9 THEN 'odd' ELSE 'success' END, 1 + n % 30 FROM generate_series(1, 100) n;
INSERT INTO core_systemsetting (id, key, value, description, category, is_public, updated_at) VALUES
    (1, 'working_hours_start', '07:30', 'opens', 'schedule', true, now()), (2, 'working_hours_end', 'late', '', 'schedule', true, now()),
    (3, 'appointment_duration', '20', '', 'appointments', true, now()), (4, 'motto', 'Care', 'our own', 'general', false, now());
INSERT INTO core_auditlog (id, action, object_type, object_id, description, timestamp, details, user_id)
SELECT n, (ARRAY['view', 'edit', 'create', 'delete', 'login', 'session_revoke'])[1 + n % 6], CASE WHEN n % 2 = 0 THEN 'Patient' END, CASE WHEN n % 2 = 0 THEN n::text END, 'did ' || n,
    now() - n * interval '1 day', CASE WHEN n % 3 = 0 THEN jsonb_build_object('n', n) END, CASE WHEN n % 5 > 0 THEN 1 + n % 30 END FROM generate_series(1, 800) n;
