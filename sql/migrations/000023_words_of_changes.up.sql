-- The words of the log's changes go into their index once 64 kB of them wait, as what was viewed does:
-- nearly every change says the same few words, and to write them into the index one by one was a
-- third of what its row of the log costs.
DROP INDEX core_auditlog_search_idx;
CREATE INDEX core_auditlog_search_idx ON ONLY core_auditlog
    USING gin ((' ' || core_search_key(username || ' ' || description)) gin_trgm_ops) WITH (gin_pending_list_limit = 64)
    WHERE action <> 'view';
