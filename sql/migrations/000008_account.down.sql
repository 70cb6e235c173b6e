DROP INDEX core_user_profile_image_key;
DROP INDEX core_user_password_form_idx;
DROP FUNCTION core_password_form(text);
UPDATE core_loginactivity SET status = 'failure' WHERE status = 'otp_required';
ALTER TABLE core_loginactivity DROP CONSTRAINT core_loginactivity_status_check;
ALTER TABLE core_loginactivity ADD CONSTRAINT core_loginactivity_status_check
    CHECK (status IN ('success', 'failure', 'blocked', 'pending'));
DROP TABLE core_recoverycode;
ALTER TABLE core_user DROP CONSTRAINT core_user_two_factor_check, DROP COLUMN two_factor_step, DROP COLUMN two_factor_pending;
