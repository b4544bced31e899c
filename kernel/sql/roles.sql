-- name: make_roles
-- The application's role and the sealer's, which nobody signs in as; whoever migrates may take them. Where
-- making roles is not allowed and nobody made them, there are none, and all work as the owner.
DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['mizan_app', 'mizan_sealer'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = one) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', one);
            END IF;
            IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                EXECUTE format('GRANT %I TO %I', one, current_user);
            END IF;
        EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
            NULL;  -- not ours to make, or another database of this server makes it now
        END;
    END LOOP;
END $$

-- name: has_roles
SELECT count(*) = 2 FROM pg_roles WHERE rolname IN ('mizan_app', 'mizan_sealer')

-- name: grant_rights
-- The application may use all rows of all packages, old tables and new ones; then each package's rights/tables.sql
-- takes away what it keeps. It may define nothing and truncate nothing.
DO $$
DECLARE package text;
BEGIN
    FOR package IN SELECT DISTINCT m.package FROM kernel.migration m ORDER BY 1 LOOP
        EXECUTE format(
            'GRANT USAGE ON SCHEMA %1$I TO mizan_app;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %1$I TO mizan_app;
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA %1$I TO mizan_app;
             REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA %1$I FROM PUBLIC;
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %1$I TO mizan_app', package);
    END LOOP;
    REVOKE INSERT, UPDATE, DELETE ON kernel.migration FROM mizan_app;
END $$

-- name: become_application
-- For as long as the connection lives: RESET ALL leaves a role alone. Nothing if there is no such role here.
SELECT set_config('role', rolname, false) FROM pg_roles
WHERE rolname = 'mizan_app' AND pg_has_role(session_user, oid, CASE
    WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
