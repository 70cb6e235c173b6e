-- MailCreate makes a mail about an appointment as it is, or was.
-- name: MailCreate :one
INSERT INTO core_maildelivery (appointment_id, patient_id, doctor_id, kind, occurrence, date, time, duration_minutes,
    starts_at, created_at, updated_at)
VALUES (@appointment_id, @patient_id, @doctor_id, @kind, @occurrence, @date, @time, @duration_minutes,
    @starts_at, @now, @now)
RETURNING id;

-- MailRemind makes the reminders of appointments that begin after now and until @until,
-- none a second time, and none for whom a mail told of that time after it came so near.
-- name: MailRemind :many
INSERT INTO core_maildelivery (appointment_id, patient_id, doctor_id, kind, occurrence, date, time, duration_minutes,
    starts_at, created_at, updated_at)
SELECT a.id, a.patient_id, a.doctor_id, 'reminder', extract(epoch FROM a.starts_at)::bigint, a.date, a.time,
    a.duration_minutes, a.starts_at, sqlc.arg(now)::timestamptz, sqlc.arg(now)::timestamptz
FROM core_appointment a
WHERE a.status IN ('scheduled', 'confirmed') AND a.starts_at > sqlc.arg(now)::timestamptz AND a.starts_at <= sqlc.arg(until)::timestamptz
  AND NOT EXISTS (
    SELECT FROM core_maildelivery d LEFT JOIN core_patient p ON p.id = d.patient_id
    WHERE d.appointment_id = a.id AND (d.patient_id = a.patient_id OR p.merged_into_id = a.patient_id)
      AND (d.kind = 'reminder' AND d.occurrence = extract(epoch FROM a.starts_at)::bigint
        OR d.kind IN ('booked', 'rescheduled') AND d.starts_at = a.starts_at
           AND d.created_at > a.starts_at - (sqlc.arg(until)::timestamptz - sqlc.arg(now)::timestamptz)))
ORDER BY a.starts_at, a.id
LIMIT sqlc.arg(most)
ON CONFLICT (appointment_id, patient_id, kind, occurrence) DO NOTHING
RETURNING id;

-- MailClaim takes a mail to send it, so that nobody else does. Of what was claimed before
-- @lost nobody knows whether it was sent: news are claimed again, a reminder is not.
-- name: MailClaim :one
UPDATE core_maildelivery SET state = 'sending', claimed_at = @now::timestamptz, updated_at = @now
WHERE id = @id AND (state = 'pending' OR state = 'sending' AND kind <> 'reminder' AND claimed_at < @lost::timestamptz)
RETURNING *;

-- MailState answers what is known of a mail, and whether it was claimed before @lost.
-- name: MailState :one
SELECT state, kind, coalesce(claimed_at < @lost::timestamptz, false)::boolean AS lost FROM core_maildelivery WHERE id = @id;

-- MailRecord says what became of a mail that is being sent.
-- name: MailRecord :execrows
UPDATE core_maildelivery SET state = @state, reason = @reason, updated_at = @now
WHERE id = @id AND state = 'sending';

-- MailRecipient answers whom a mail goes to and what it names, and whether there is still
-- something to tell: no later news for the same patient, and a reminder's appointment still so.
-- name: MailRecipient :one
SELECT core_full_name(p.first_name, p.last_name, '')::text AS patient_name,
    core_full_name(d.first_name, d.last_name, d.username)::text AS doctor_name,
    coalesce(u.email, '')::text AS email, p.contact_info, coalesce(u.language_preference, 'en')::text AS language,
    (NOT EXISTS (SELECT FROM core_maildelivery n
        WHERE n.appointment_id = m.appointment_id AND n.patient_id = m.patient_id AND n.kind <> 'reminder'
          AND m.kind <> 'reminder' AND (n.occurrence, n.id) > (m.occurrence, m.id))
     AND (m.kind <> 'reminder' OR EXISTS (SELECT FROM core_appointment a
        WHERE a.id = m.appointment_id AND a.starts_at = m.starts_at AND a.status IN ('scheduled', 'confirmed')
          AND a.patient_id = p.id)))::boolean AS current
FROM core_maildelivery m
JOIN core_patient o ON o.id = m.patient_id
JOIN core_patient p ON p.id = coalesce(o.merged_into_id, o.id)
JOIN core_user d ON d.id = m.doctor_id
LEFT JOIN core_user u ON u.id = p.user_id AND u.is_active
WHERE m.id = @id;

-- name: MailExpire :execrows
DELETE FROM core_maildelivery WHERE created_at < @before AND state NOT IN ('pending', 'sending');

-- AppointmentsMissedLock locks appointments that nobody came to, leaving out those that
-- somebody is changing.
-- name: AppointmentsMissedLock :many
SELECT * FROM core_appointment
WHERE status IN ('scheduled', 'confirmed') AND starts_at < @before::timestamptz AND ends_at < @before::timestamptz
ORDER BY starts_at, id
LIMIT @most
FOR NO KEY UPDATE SKIP LOCKED;

-- name: AppointmentMissed :one
UPDATE core_appointment SET status = 'no_show', updated_at = @now, version = version + 1
WHERE id = @id
RETURNING *;
