-- Role requests that are decided once, notifications and sign-ins that are listed fast,
-- settings with a version.

ALTER TABLE core_rolechangerequest
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    -- NOT VALID: what was decided before there was this law stays as it is.
    ADD CONSTRAINT core_rolechangerequest_reviewer_check CHECK (reviewed_by_id <> user_id) NOT VALID;

UPDATE core_rolechangerequest r SET status = 'rejected', review_notes = 'Asked for twice: the first request stands.'
WHERE r.status = 'pending' AND EXISTS (
    SELECT FROM core_rolechangerequest f
    WHERE f.user_id = r.user_id AND f.requested_role_id = r.requested_role_id AND f.status = 'pending' AND f.id < r.id);

-- A user asks for a role once at a time.
CREATE UNIQUE INDEX core_rolechangerequest_pending_key ON core_rolechangerequest (user_id, requested_role_id)
    WHERE status = 'pending';

DROP INDEX idx_rolechange_user, idx_rolechange_status, core_rolechangerequest_role_idx;
CREATE INDEX idx_rolechange_user ON core_rolechangerequest (user_id, created_at, id);
CREATE INDEX idx_rolechange_status ON core_rolechangerequest (status, created_at, id);
CREATE INDEX core_rolechangerequest_role_idx ON core_rolechangerequest (requested_role_id, created_at, id);
CREATE INDEX core_rolechangerequest_created_at_idx ON core_rolechangerequest (created_at, id);

ALTER TABLE core_notification ADD COLUMN version bigint NOT NULL DEFAULT 1;

DROP INDEX core_notification_user_idx;
CREATE INDEX core_notification_user_idx ON core_notification (user_id, created_at, id);
CREATE INDEX core_notification_type_idx ON core_notification (user_id, type, created_at, id);
CREATE INDEX core_notification_unread_idx ON core_notification (user_id, created_at, id) WHERE NOT is_read;

DROP INDEX core_loginactivity_user_idx, core_loginactivity_timestamp_idx;
CREATE INDEX core_loginactivity_user_idx ON core_loginactivity (user_id, timestamp, id);
CREATE INDEX core_loginactivity_timestamp_idx ON core_loginactivity (timestamp, id);
CREATE INDEX core_loginactivity_status_idx ON core_loginactivity (status, timestamp, id);
CREATE INDEX core_loginactivity_ip_address_idx ON core_loginactivity (ip_address, timestamp, id);

ALTER TABLE core_systemsetting ADD COLUMN version bigint NOT NULL DEFAULT 1;

INSERT INTO core_systemsetting (key, value, description, category, is_public) VALUES
    ('hospital_name', '', 'Stands at the head of invoices and receipts', 'general', true),
    ('hospital_address', '', 'Stands at the head of invoices and receipts', 'general', true),
    ('hospital_phone', '', 'Stands at the head of invoices and receipts', 'general', true)
ON CONFLICT (key) DO NOTHING;
