import type { Client } from 'pg';

import { MigrationError } from './migration-error.ts';

type Rights = {
  login: string;
  database: string;
  schema_exists: boolean;
  may_create: boolean;
};

const selectRights = `
  SELECT session_user::text AS login, current_database()::text AS database,
    to_regnamespace('public') IS NOT NULL AS schema_exists,
    coalesce(bool_and(has_schema_privilege(n.oid, p)), false) AS may_create
  FROM (VALUES ('USAGE'), ('CREATE')) v (p)
  LEFT JOIN pg_namespace n ON n.nspname = 'public'`;

/** The owner of the tables of an earlier run, if the login does not have the owner's rights. */
const selectOtherOwner = `
  SELECT pg_get_userbyid(relowner)::text AS owner FROM pg_class
  WHERE oid = to_regclass('public.pgmigrations') AND NOT pg_has_role(current_user, relowner, 'USAGE')`;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Checks, before anything is changed, that the login has the rights to migrate.
 * @throws MigrationError that says what to grant
 */
export const assertMayMigrate = async (client: Client): Promise<void> => {
  const [rights] = (await client.query<Rights>(selectRights)).rows;
  if (rights === undefined) return;
  const [login, database] = [quoted(rights.login), quoted(rights.database)];
  if (!rights.schema_exists) {
    throw new MigrationError(
      `The database ${database} has no schema public. Run in it as its owner: CREATE SCHEMA public AUTHORIZATION ${login}; then migrate again.`,
    );
  }
  if (!rights.may_create) {
    throw new MigrationError(
      `The login ${login} may not create tables in the schema public of the database ${database}. Run in it as its owner or a superuser: GRANT USAGE, CREATE ON SCHEMA public TO ${login}; then migrate again.`,
    );
  }
  const [other] = (await client.query<{ owner: string }>(selectOtherOwner)).rows;
  if (other !== undefined) {
    const owner = quoted(other.owner);
    throw new MigrationError(
      `The tables in the database ${database} belong to ${owner}, and the login ${login} does not have the rights of that role. Migrate as ${owner}, or change the owner of the tables (docs/configure-the-resource.md, "Roles in an external database").`,
    );
  }
};
