DELETE FROM core_systemsetting WHERE key IN ('hospital_name', 'hospital_address', 'hospital_phone') AND value = '';
ALTER TABLE core_systemsetting DROP COLUMN version;

DROP INDEX core_loginactivity_user_idx, core_loginactivity_timestamp_idx, core_loginactivity_status_idx,
    core_loginactivity_ip_address_idx;
CREATE INDEX core_loginactivity_user_idx ON core_loginactivity (user_id, timestamp);
CREATE INDEX core_loginactivity_timestamp_idx ON core_loginactivity (timestamp);

DROP INDEX core_notification_user_idx, core_notification_type_idx, core_notification_unread_idx;
CREATE INDEX core_notification_user_idx ON core_notification (user_id, id);
ALTER TABLE core_notification DROP COLUMN version;

DROP INDEX idx_rolechange_user, idx_rolechange_status, core_rolechangerequest_role_idx,
    core_rolechangerequest_created_at_idx, core_rolechangerequest_pending_key;
CREATE INDEX idx_rolechange_user ON core_rolechangerequest (user_id);
CREATE INDEX idx_rolechange_status ON core_rolechangerequest (status);
CREATE INDEX core_rolechangerequest_role_idx ON core_rolechangerequest (requested_role_id);
ALTER TABLE core_rolechangerequest
    DROP CONSTRAINT core_rolechangerequest_reviewer_check,
    DROP COLUMN version;
