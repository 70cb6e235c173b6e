DROP TABLE core_idempotencykey, core_auditlog, core_systemsetting, core_notification;
DROP FUNCTION core_auditlog_partitions;
DROP FUNCTION core_auditlog_refuse;
