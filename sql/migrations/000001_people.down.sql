DROP TABLE core_loginactivity, core_refreshtoken, core_session, core_rolechangerequest, core_user, core_role;
DROP FUNCTION core_search_key;
DROP EXTENSION btree_gist;
DROP EXTENSION pg_trgm;
DROP EXTENSION unaccent;
