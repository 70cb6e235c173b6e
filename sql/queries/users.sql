-- name: UserList :many
SELECT sqlc.embed(u), r.id AS r_id, r.name AS r_name, r.description AS r_description, r.version AS r_version
FROM core_user u LEFT JOIN core_role r ON r.id = u.role_id WHERE true;

-- name: UserGet :one
SELECT sqlc.embed(u), r.id AS r_id, r.name AS r_name, r.description AS r_description, r.version AS r_version
FROM core_user u LEFT JOIN core_role r ON r.id = u.role_id
WHERE u.id = @id;

-- name: UserLock :one
SELECT sqlc.embed(u), r.id AS r_id, r.name AS r_name, r.description AS r_description, r.version AS r_version
FROM core_user u LEFT JOIN core_role r ON r.id = u.role_id
WHERE u.id = @id FOR NO KEY UPDATE OF u;

-- UserByLogin prefers the username; an e-mail address is found whatever its case.
-- name: UserByLogin :one
SELECT sqlc.embed(u), r.id AS r_id, r.name AS r_name, r.description AS r_description, r.version AS r_version
FROM core_user u LEFT JOIN core_role r ON r.id = u.role_id
WHERE u.username = @login OR lower(u.email) = lower(@login)
ORDER BY u.username = @login DESC
LIMIT 1;

-- name: UserCreate :one
INSERT INTO core_user (username, email, first_name, last_name, role_id, is_active, is_staff, language_preference,
    preferences, password, password_change_required, date_joined)
VALUES (@username, @email, @first_name, @last_name, sqlc.narg(role_id), @is_active, false, @language_preference,
    @preferences, @password, @password_change_required, @date_joined)
RETURNING *;

-- name: UserUpdate :one
UPDATE core_user SET username = @username, email = @email, first_name = @first_name, last_name = @last_name,
    role_id = sqlc.narg(role_id), is_active = @is_active, language_preference = @language_preference,
    preferences = @preferences, password = @password, password_change_required = @password_change_required,
    version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- UserSignedIn answers no row when the account was deactivated or its password changed
-- while the password was being checked. password is the same one, hashed anew.
-- name: UserSignedIn :one
UPDATE core_user SET last_login = @now::timestamptz, password = @password
WHERE id = @id AND is_active AND password = @verified
RETURNING *;

-- UserPassword sets the password that the user chose, unless it has changed meanwhile.
-- name: UserPassword :one
UPDATE core_user SET password = @password, password_change_required = false, version = version + 1
WHERE id = @id AND is_active AND password = @verified
RETURNING *;

-- name: UserDelete :execrows
DELETE FROM core_user WHERE id = @id AND version = @version;

-- AdminLock locks every active Admin, in one order, so that two of them who demote each
-- other at once are decided one after the other.
-- name: AdminLock :many
SELECT u.id FROM core_user u JOIN core_role r ON r.id = u.role_id
WHERE r.name = 'Admin' AND u.is_active
ORDER BY u.id
FOR NO KEY UPDATE OF u;

-- name: UserAssignRole :one
UPDATE core_user SET role_id = @role_id::bigint, version = version + 1 WHERE id = @id RETURNING *;

-- PasswordForms answers what the stored passwords cost to verify, each form once: it hops
-- from one to the next along the index.
-- name: PasswordForms :many
WITH RECURSIVE forms AS (
    SELECT min(core_password_form(password)) AS form FROM core_user
    UNION ALL
    SELECT (SELECT min(core_password_form(u.password)) FROM core_user u WHERE core_password_form(u.password) > forms.form)
    FROM forms WHERE forms.form IS NOT NULL
)
SELECT form::text FROM forms WHERE form IS NOT NULL;

-- ProfileUpdate writes what users may change of themselves.
-- name: ProfileUpdate :one
UPDATE core_user SET email = @email, first_name = @first_name, last_name = @last_name,
    language_preference = @language_preference, preferences = @preferences, profile_image = @profile_image,
    version = version + 1
WHERE id = @id AND version = @version
RETURNING *;

-- ProfileImageOwner answers whose picture this is.
-- name: ProfileImageOwner :one
SELECT id FROM core_user WHERE profile_image = @name::text;
