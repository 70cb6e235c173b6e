ALTER TABLE core_loginactivity DROP COLUMN second_factor;
