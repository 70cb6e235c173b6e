-- What the queries read of River's own tables, which River's migrations make: for sqlc.
CREATE SCHEMA river;

CREATE TABLE river.river_leader (
    name       text PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

CREATE TABLE river.river_job (
    id           bigint PRIMARY KEY,
    state        text        NOT NULL,
    scheduled_at timestamptz NOT NULL
);
