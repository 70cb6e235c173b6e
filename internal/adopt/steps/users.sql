-- An e-mail is one person's. A username that looks like one has to be the account's own, so
-- these come first; then who is active, and who signed in last.
CREATE TABLE adoption.user_here AS
WITH claims AS (
    SELECT s.id, s.username, nullif(btrim(s.email), '') AS email, strpos(s.username, '@') > 0 AS named_so,
        CASE WHEN strpos(s.username, '@') > 0 THEN s.username ELSE nullif(btrim(s.email), '') END AS wanted,
        s.is_active, s.last_login
    FROM adoption."user" s
), ranked AS (
    SELECT c.*, row_number() OVER (PARTITION BY lower(c.wanted) ORDER BY c.named_so DESC, c.is_active DESC, c.last_login DESC NULLS LAST, c.id) AS place
    FROM claims c
)
SELECT r.id, CASE WHEN r.wanted IS NOT NULL AND r.place = 1 THEN r.wanted END AS email,
    CASE WHEN r.named_so AND r.place > 1 THEN left(replace(r.username, '@', ' at '), 130) || ' ' || r.id ELSE r.username END AS username
FROM ranked r;

INSERT INTO core_user (id, username, email, first_name, last_name, date_joined, last_login, is_active, is_staff, is_superuser,
    password, role_id, language_preference, preferences, two_factor_enabled)
SELECT s.id, h.username, h.email, s.first_name, s.last_name, s.date_joined, s.last_login, s.is_active, s.is_staff, s.is_superuser,
    s.password, r.id, CASE WHEN s.language_preference IN ('en', 'fr', 'sw') THEN s.language_preference ELSE 'en' END,
    CASE WHEN jsonb_typeof(s.preferences) = 'object' THEN s.preferences ELSE '{}' END, false
FROM adoption."user" s JOIN adoption.user_here h ON h.id = s.id LEFT JOIN adoption.role_here r ON r.source = s.role_id;

SELECT adoption.found('user', s.id, 'email', CASE WHEN h.email IS NULL THEN 'email_taken' ELSE 'email_is_username' END, s.email, h.email)
FROM adoption."user" s JOIN adoption.user_here h ON h.id = s.id
WHERE btrim(s.email) <> '' AND h.email IS DISTINCT FROM btrim(s.email);
SELECT adoption.found('user', s.id, 'email', 'email_trimmed', s.email, h.email)
FROM adoption."user" s JOIN adoption.user_here h ON h.id = s.id WHERE h.email IS NOT DISTINCT FROM nullif(btrim(s.email), '') AND coalesce(h.email, '') <> s.email;
SELECT adoption.found('user', s.id, 'email', 'email_is_username', s.email, h.email)
FROM adoption."user" s JOIN adoption.user_here h ON h.id = s.id WHERE btrim(s.email) = '' AND h.email IS NOT NULL;
SELECT adoption.found('user', s.id, 'username', 'username_changed', s.username, h.username)
FROM adoption."user" s JOIN adoption.user_here h ON h.id = s.id WHERE h.username <> s.username;
SELECT adoption.found('user', s.id, 'language_preference', 'language_unknown', s.language_preference, 'en')
FROM adoption."user" s WHERE s.language_preference NOT IN ('en', 'fr', 'sw');
SELECT adoption.found('user', s.id, 'preferences', 'preferences_unreadable', s.preferences::text, '{}')
FROM adoption."user" s WHERE jsonb_typeof(s.preferences) <> 'object';
SELECT adoption.found('user', s.id, 'two_factor_enabled', 'second_factor_off', 'true', 'false')
FROM adoption."user" s WHERE s.two_factor_enabled OR s.two_factor_secret <> '';
