-- What a ticket is for: to open a socket or the page of the background jobs. A pass is what
-- a browser has of that page afterwards, as a cookie; it is used until it expires.
ALTER TABLE core_socketticket RENAME TO core_ticket;
ALTER TABLE core_ticket RENAME CONSTRAINT core_socketticket_pkey TO core_ticket_pkey;
ALTER TABLE core_ticket ADD COLUMN purpose varchar(10) NOT NULL DEFAULT 'socket'
    CONSTRAINT core_ticket_purpose_check CHECK (purpose IN ('socket', 'jobs', 'jobs_pass'));
ALTER TABLE core_ticket ALTER COLUMN purpose DROP DEFAULT;
