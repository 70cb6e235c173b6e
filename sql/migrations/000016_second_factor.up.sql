-- Which attempts came as far as the second factor: whoever knows a password must not try
-- codes from a thousand addresses, so these are counted by account.
ALTER TABLE core_loginactivity ADD COLUMN second_factor boolean NOT NULL DEFAULT false;

CREATE INDEX core_loginactivity_second_factor_idx ON core_loginactivity (user_id, timestamp)
    WHERE second_factor AND status IN ('failure', 'pending');
