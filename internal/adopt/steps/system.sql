INSERT INTO core_notification (id, user_id, title, message, type, is_read, related_appointment_id, created_at)
SELECT id, user_id, title, message, type, is_read, related_appointment_id, created_at FROM adoption.notification;

-- Of requests for the same role only the last may be open, and nobody decides the own one.
CREATE TABLE adoption.request_here AS
SELECT s.id, r.id AS role_id, CASE
    WHEN s.status NOT IN ('pending', 'approved', 'rejected') THEN 'rejected'
    WHEN s.status = 'pending' AND row_number() OVER (PARTITION BY s.user_id, r.id, s.status ORDER BY s.created_at DESC, s.id DESC) > 1 THEN 'rejected'
    ELSE s.status END AS status
FROM adoption.rolechangerequest s JOIN adoption.role_here r ON r.source = s.requested_role_id;

INSERT INTO core_rolechangerequest (id, user_id, requested_role_id, reason, status, reviewed_by_id, review_notes, created_at, updated_at)
SELECT s.id, s.user_id, h.role_id, s.reason, h.status, nullif(s.reviewed_by_id, s.user_id), s.review_notes, s.created_at, s.updated_at
FROM adoption.rolechangerequest s JOIN adoption.request_here h ON h.id = s.id;

SELECT adoption.found('rolechangerequest', s.id, 'status', 'request_closed', s.status, h.status)
FROM adoption.rolechangerequest s JOIN adoption.request_here h ON h.id = s.id WHERE h.status <> s.status;
SELECT adoption.found('rolechangerequest', s.id, 'reviewed_by_id', 'own_request_decided', s.reviewed_by_id::text, NULL)
FROM adoption.rolechangerequest s WHERE s.reviewed_by_id = s.user_id;

INSERT INTO core_loginactivity (id, user_id, username, timestamp, ip_address, user_agent, status)
SELECT s.id, s.user_id, u.username, s.timestamp, host(s.ip_address)::inet, s.user_agent,
    CASE WHEN s.status IN ('success', 'failure', 'blocked', 'pending', 'otp_required') THEN s.status ELSE 'failure' END
FROM adoption.loginactivity s JOIN core_user u ON u.id = s.user_id;

SELECT adoption.found('loginactivity', s.id, 'status', 'status_renamed', s.status, 'failure')
FROM adoption.loginactivity s WHERE s.status NOT IN ('success', 'failure', 'blocked', 'pending', 'otp_required');

SELECT adoption.found('loginactivity', s.id, 'ip_address', 'address_was_network', s.ip_address::text, host(s.ip_address))
FROM adoption.loginactivity s WHERE s.ip_address <> host(s.ip_address)::inet;

-- The months of the log that the source has had.
SELECT core_auditlog_partitions(3, least(240, greatest(0, (SELECT (extract(year FROM age(now(), min(timestamp))) * 12
    + extract(month FROM age(now(), min(timestamp))) + 1)::integer FROM adoption.auditlog))));

INSERT INTO core_auditlog (id, user_id, username, action, object_type, object_id, description, timestamp, details)
SELECT s.id, s.user_id, coalesce(u.username, ''), s.action, s.object_type, s.object_id, s.description, s.timestamp, s.details
FROM adoption.auditlog s LEFT JOIN core_user u ON u.id = s.user_id ORDER BY s.id;
