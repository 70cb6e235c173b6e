DELETE FROM core_ticket WHERE purpose <> 'socket';
ALTER TABLE core_ticket DROP COLUMN purpose;
ALTER TABLE core_ticket RENAME CONSTRAINT core_ticket_pkey TO core_socketticket_pkey;
ALTER TABLE core_ticket RENAME TO core_socketticket;
