package dbstats

import "chelal/internal/pg"

// queries are asked in the order in which they are shown. What PostgreSQL counts, it has
// counted since its statistics were reset.
var queries = []query{
	{title: "Connections", sql: `
		SELECT coalesce(state, backend_type) AS state, coalesce(nullif(application_name, ''), '-') AS program, count(*)::text AS connections,
			date_trunc('second', max(now() - xact_start))::text AS "longest transaction",
			count(*) FILTER (WHERE wait_event_type = 'Lock')::text AS "waiting for a lock",
			(SELECT setting FROM pg_settings WHERE name = 'max_connections') AS "of at most"
		FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2`},
	{title: "Tables by size", withRowLimit: true, sql: `
		SELECT c.oid::regclass::text AS table, pg_size_pretty(pg_total_relation_size(c.oid)) AS "with indexes",
			pg_size_pretty(pg_table_size(c.oid)) AS "rows alone", to_char(greatest(c.reltuples, 0)::bigint, 'FM999G999G999G990') AS "rows, about",
			s.seq_scan::text AS "scanned whole", s.idx_scan::text AS "read by index"
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
		WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'
		ORDER BY pg_total_relation_size(c.oid) DESC, 1`},
	{title: "Tables that want a vacuum", withRowLimit: true, sql: `
		SELECT relid::regclass::text AS table, n_live_tup::text AS "live rows", n_dead_tup::text AS "dead rows",
			round(100.0 * n_dead_tup / greatest(n_live_tup + n_dead_tup, 1))::text || ' %' AS dead,
			coalesce(to_char(greatest(last_vacuum, last_autovacuum), 'YYYY-MM-DD HH24:MI'), 'never') AS "last vacuum",
			coalesce(to_char(greatest(last_analyze, last_autoanalyze), 'YYYY-MM-DD HH24:MI'), 'never') AS "last analyze"
		FROM pg_stat_user_tables WHERE n_dead_tup > 1000 AND n_dead_tup > 0.1 * n_live_tup
		ORDER BY n_dead_tup DESC, 1`},
	// By how wide ANALYZE found the columns: a row has a header of 24 bytes and 4 in its page, an entry of a
	// B-tree 8 and 4, and a B-tree's pages are filled to 90 %.
	{title: "Bloat, estimated (more than a fifth and 1 MB)", withRowLimit: true, sql: `
		WITH widths AS (
			SELECT format('%I.%I', schemaname, tablename)::regclass AS relid, attname, (1 - null_frac) * avg_width AS width FROM pg_stats
			WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
		), needs AS (
			SELECT c.oid, 'table' AS kind, c.reltuples * (28 + 8 * ceil(sum(w.width) / 8)) AS bytes
			FROM pg_class c JOIN widths w ON w.relid = c.oid WHERE c.relkind IN ('r', 'm') AND c.reltuples > 0 GROUP BY c.oid, c.reltuples
			UNION ALL
			SELECT c.oid, 'index', c.reltuples * (12 + 8 * ceil(sum(w.width) / 8)) / 0.9
			FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) JOIN widths w ON w.relid = i.indrelid AND w.attname = a.attname
			WHERE i.indexprs IS NULL AND c.relkind = 'i' AND c.reltuples > 0 GROUP BY c.oid, c.reltuples
		)
		SELECT n.oid::regclass::text AS "table or index", n.kind, pg_size_pretty(pg_relation_size(n.oid)) AS size,
			pg_size_pretty((pg_relation_size(n.oid) - n.bytes)::bigint) AS "too much", round(100 * (1 - n.bytes / pg_relation_size(n.oid))::numeric)::text || ' %' AS share
		FROM needs n WHERE pg_relation_size(n.oid) - n.bytes > greatest(1048576, 0.2 * pg_relation_size(n.oid))
		ORDER BY pg_relation_size(n.oid) - n.bytes DESC, 1`},
	{title: "Indexes by use", withRowLimit: true, sql: `
		SELECT indexrelid::regclass::text AS index, relid::regclass::text AS table, idx_scan::text AS scans,
			idx_tup_read::text AS "entries read", idx_tup_fetch::text AS "rows fetched", pg_size_pretty(pg_relation_size(indexrelid)) AS size
		FROM pg_stat_user_indexes ORDER BY idx_scan DESC, 1`},
	{title: "Indexes that nothing has used", withRowLimit: true, sql: `
		SELECT s.indexrelid::regclass::text AS index, s.relid::regclass::text AS table, pg_size_pretty(pg_relation_size(s.indexrelid)) AS size,
			coalesce(to_char((SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()), 'YYYY-MM-DD'), 'the beginning') AS "unused since"
		FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid
		WHERE s.idx_scan = 0 AND NOT i.indisunique AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = s.indexrelid)
		ORDER BY pg_relation_size(s.indexrelid) DESC, 1`},
	{title: "Slow statements", withRowLimit: true,
		needs: "SELECT to_regclass('pg_stat_statements') IS NOT NULL AND current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%'",
		note:  "pg_stat_statements is not installed: add it to shared_preload_libraries, restart PostgreSQL, and CREATE EXTENSION pg_stat_statements.",
		sql: `
		SELECT to_char(total_exec_time / 1000, 'FM999990.0') AS "seconds in all", calls::text, to_char(mean_exec_time, 'FM999990.00') AS "ms each",
			to_char(max_exec_time, 'FM999990.0') AS "ms at most", to_char(rows::numeric / greatest(calls, 1), 'FM999990.0') AS "rows each",
			left(regexp_replace(query, '\s+', ' ', 'g'), 100) AS statement
		FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
		ORDER BY total_exec_time DESC`},
	{title: "Background jobs", sql: `
		SELECT kind, state::text, count(*)::text AS jobs, date_trunc('second', now() - min(scheduled_at) FILTER (WHERE state = 'available'))::text AS "oldest has waited"
		FROM ` + pg.RiverSchema + `.river_job GROUP BY kind, state ORDER BY count(*) DESC, kind, state`},
	{title: "What is still to be folded, sealed and sent", sql: `
		SELECT 'differences of figures' AS waiting, count(*)::text AS rows FROM core_figuredelta
		UNION ALL
		SELECT 'rows of the audit log without a seal', count(*)::text FROM core_auditlog l
			WHERE (l.era, l.xid) >= (coalesce((SELECT era FROM core_auditseal ORDER BY id DESC LIMIT 1), 0),
				coalesce((SELECT to_xid FROM core_auditseal ORDER BY id DESC LIMIT 1), '0'))
		UNION ALL
		SELECT 'events that nobody was told of', count(*)::text FROM core_event WHERE number IS NULL
		UNION ALL
		SELECT 'mails', count(*)::text FROM core_maildelivery WHERE state IN ('pending', 'sending')
		UNION ALL
		SELECT 'report files', count(*)::text FROM core_reportfile WHERE status = 'pending'
		UNION ALL
		SELECT 'offline operations', count(*)::text FROM core_syncbatchoperation`},
}
