-- One database role a service, each with the fewest grants. They cannot log in: a pool connects as
-- the deployment's login and takes its role, or logs in as a role of its own that was granted one.
-- Roles belong to the whole cluster of databases, so another database may have made them already.

-- Up Migration
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['mt_catalog', 'mt_users', 'mt_bookings'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database's migration won
      END;
    END IF;
    IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO CURRENT_USER', name);
    END IF;
  END LOOP;
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO mt_catalog, mt_users, mt_bookings;
-- Readiness compares what was applied with what the service was built for.
GRANT SELECT ON pgmigrations TO mt_catalog, mt_users, mt_bookings;

-- Down Migration
REVOKE SELECT ON pgmigrations FROM mt_catalog, mt_users, mt_bookings;
REVOKE USAGE ON SCHEMA public FROM mt_catalog, mt_users, mt_bookings;
GRANT USAGE ON SCHEMA public TO PUBLIC;
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['mt_catalog', 'mt_users', 'mt_bookings'] LOOP
    BEGIN
      EXECUTE format('DROP ROLE IF EXISTS %I', name);
    EXCEPTION WHEN dependent_objects_still_exist THEN NULL; -- another database still grants to it
    END;
  END LOOP;
END $$;
