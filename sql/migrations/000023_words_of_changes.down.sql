DROP INDEX core_auditlog_search_idx;
CREATE INDEX core_auditlog_search_idx ON core_auditlog
    USING gin ((' ' || core_search_key(username || ' ' || description)) gin_trgm_ops) WITH (fastupdate = off)
    WHERE action <> 'view';
