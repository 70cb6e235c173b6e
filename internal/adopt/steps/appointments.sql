-- The source knows no length: every appointment gets the usual one. Of two that overlap, the
-- one that was made later stands beside the other, as an overbooked one does.
CREATE TABLE adoption.appointment_here AS
WITH usual AS (
    SELECT coalesce((SELECT greatest(1, least(1440, value::integer)) FROM adoption.systemsetting
        WHERE key = 'appointment_duration' AND value ~ '^\d{1,4}$'), 30) AS minutes
), placed AS (
    SELECT s.id, s.doctor_id, s.patient_id, u.minutes, (s.date + s.time) AT TIME ZONE h.zone AS starts_at,
        CASE replace(replace(lower(btrim(s.status)), '-', '_'), ' ', '_')
            WHEN 'canceled' THEN 'cancelled' WHEN 'noshow' THEN 'no_show' WHEN 'pending' THEN 'scheduled'
            ELSE replace(replace(lower(btrim(s.status)), '-', '_'), ' ', '_') END AS status
    FROM adoption.appointment s, usual u, core_hospital h
), known AS (
    SELECT p.id, p.doctor_id, p.patient_id, p.minutes, p.starts_at, p.starts_at + make_interval(mins => p.minutes) AS ends_at,
        CASE WHEN p.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress', 'completed', 'cancelled', 'no_show') THEN p.status
            WHEN p.starts_at > now() THEN 'scheduled' ELSE 'completed' END AS status
    FROM placed p
)
SELECT k.*, ''::text AS overbook_reason FROM known k;

ALTER TABLE adoption.appointment_here ADD PRIMARY KEY (id);
CREATE INDEX ON adoption.appointment_here (doctor_id, starts_at);
CREATE INDEX ON adoption.appointment_here (patient_id, starts_at);
ANALYZE adoption.appointment_here;

CREATE FUNCTION adoption.overlapped(a adoption.appointment_here) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT a.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress') AND EXISTS (
        SELECT FROM adoption.appointment_here b
        WHERE b.doctor_id = a.doctor_id AND b.id < a.id AND b.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress')
          AND b.overbook_reason = '' AND b.starts_at < a.ends_at AND b.starts_at > a.starts_at - make_interval(mins => a.minutes)
        UNION ALL
        SELECT FROM adoption.appointment_here b
        WHERE b.patient_id = a.patient_id AND b.id < a.id AND b.status IN ('scheduled', 'confirmed', 'checked_in', 'in_progress')
          AND b.overbook_reason = '' AND b.starts_at < a.ends_at AND b.starts_at > a.starts_at - make_interval(mins => a.minutes))
$$;

-- One after the other: what stands beside an earlier one is in nobody's way any more.
DO $$
DECLARE
    a adoption.appointment_here;
BEGIN
    FOR a IN SELECT h.* FROM adoption.appointment_here h WHERE adoption.overlapped(h) ORDER BY h.id LOOP
        UPDATE adoption.appointment_here h SET overbook_reason = 'Overlapped another when taken over'
        WHERE h.id = a.id AND adoption.overlapped(h);
    END LOOP;
END $$;

INSERT INTO core_appointment (id, patient_id, doctor_id, date, time, status, notes, created_at, updated_at, duration_minutes,
    starts_at, ends_at, overbook_reason)
SELECT s.id, s.patient_id, s.doctor_id, s.date, s.time, h.status, s.notes, s.created_at, s.updated_at, h.minutes,
    h.starts_at, h.ends_at, h.overbook_reason
FROM adoption.appointment s JOIN adoption.appointment_here h ON h.id = s.id;

SELECT adoption.found('appointment', s.id, 'status', 'status_renamed', s.status, h.status)
FROM adoption.appointment s JOIN adoption.appointment_here h ON h.id = s.id WHERE h.status <> s.status;
SELECT adoption.found('appointment', h.id, 'overbook_reason', 'appointments_overlap', NULL, h.overbook_reason)
FROM adoption.appointment_here h WHERE h.overbook_reason <> '';
