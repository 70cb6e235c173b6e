-- Who has a session that stands: nobody signed it out, and the account is active.
CREATE VIEW core_caller AS
SELECT s.id AS session_id, u.id AS user_id, u.username, coalesce(r.name, '')::text AS role, u.password_change_required
FROM core_session s
JOIN core_user u ON u.id = s.user_id
LEFT JOIN core_role r ON r.id = u.role_id
WHERE s.revoked_at IS NULL AND u.is_active;
