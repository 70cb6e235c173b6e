DROP TABLE core_auditseal;

DROP INDEX idx_auditlog_timestamp, idx_auditlog_user, core_auditlog_object_idx, core_auditlog_patient_idx,
    core_auditlog_request_idx, core_auditlog_changes_idx, core_auditlog_action_idx, core_auditlog_search_idx;
ALTER TABLE core_auditlog DROP COLUMN era, DROP COLUMN xid;
CREATE INDEX idx_auditlog_timestamp ON core_auditlog (timestamp);
CREATE INDEX idx_auditlog_user ON core_auditlog (user_id);
CREATE INDEX core_auditlog_object_idx ON core_auditlog (object_type, object_id);
CREATE INDEX core_auditlog_patient_idx ON core_auditlog (patient_id) WHERE patient_id IS NOT NULL;
