-- name: TicketCreate :exec
INSERT INTO core_ticket (hash, purpose, session_id, user_id, expires_at)
VALUES (@hash, @purpose, @session_id, @user_id, @expires_at);

-- TicketUse is the one use of a ticket: of two at once one finds nothing.
-- name: TicketUse :one
DELETE FROM core_ticket WHERE hash = @hash AND purpose = @purpose AND expires_at > @now RETURNING session_id, user_id;

-- name: TicketGet :one
SELECT session_id, user_id FROM core_ticket WHERE hash = @hash AND purpose = @purpose AND expires_at > @now;

-- name: TicketsExpire :execrows
DELETE FROM core_ticket WHERE expires_at < @before;
