-- Each service runs as a role of its own with the fewest rights: mt_catalog, mt_users, mt_bookings. The
-- roles and their rights are no numbered step, for a DBA may add the roles at any time: every run sets
-- them at its end (src/service-roles.ts, grants/).

-- Up Migration
-- A login that stands here goes on as itself where it should take the role, since a run of the
-- migrations as that login could not take it. Whoever does not stand here takes the role or is refused:
-- a role that is lost must not silently end in a service with every right.
CREATE TABLE roleless_logins (
  login text NOT NULL,
  role  text NOT NULL,
  PRIMARY KEY (login, role)
);

REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- Down Migration
GRANT USAGE ON SCHEMA public TO PUBLIC;
DROP TABLE roleless_logins;
