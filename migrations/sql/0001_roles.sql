-- Each service connects with a role of its own and the fewest rights: mt_catalog, mt_users, mt_bookings.
-- The roles and their grants are not part of a numbered migration, because a DBA may create the roles at
-- any time: every run sets them at its end (src/service-roles.ts, grants/).

-- Up Migration
-- Logins that cannot take a service's role, as found by a migration that ran as this login. A service
-- with such a login works as the login itself. Without a row here the service must take its role: a
-- missing role must not silently leave a service with every right.
CREATE TABLE roleless_logins (
  login text NOT NULL,
  role  text NOT NULL,
  PRIMARY KEY (login, role)
);

REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- Down Migration
GRANT USAGE ON SCHEMA public TO PUBLIC;
DROP TABLE roleless_logins;
