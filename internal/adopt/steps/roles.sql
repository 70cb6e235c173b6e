-- Roles are the same when their names are, whatever their case. Others come with their own id
-- where it is free.
INSERT INTO core_role (id, name, description)
SELECT CASE WHEN EXISTS (SELECT FROM core_role r WHERE r.id = s.id) THEN m.most + row_number() OVER (ORDER BY s.id) ELSE s.id END,
    btrim(s.name), s.description
FROM (SELECT DISTINCT ON (lower(btrim(o.name))) o.* FROM adoption.role o ORDER BY lower(btrim(o.name)), o.id) s,
    (SELECT greatest((SELECT max(id) FROM core_role), (SELECT max(id) FROM adoption.role)) AS most) m
WHERE NOT EXISTS (SELECT FROM core_role r WHERE lower(r.name) = lower(btrim(s.name)));

CREATE TABLE adoption.role_here AS
SELECT DISTINCT ON (s.id) s.id AS source, r.id FROM adoption.role s JOIN core_role r ON lower(r.name) = lower(btrim(s.name))
ORDER BY s.id, r.id;

SELECT adoption.found('role', s.id, 'name', 'role_renamed', s.name, r.name)
FROM adoption.role s JOIN adoption.role_here h ON h.source = s.id JOIN core_role r ON r.id = h.id WHERE r.name <> s.name;
