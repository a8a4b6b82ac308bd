import type { Client } from 'pg';
import { MigrationError } from './migration-error.ts';

type Rights = {
  login: string;
  database: string;
  schema_exists: boolean;
  may_create: boolean;
};

const RIGHTS = `
  select session_user::text as login, current_database()::text as database,
    to_regnamespace('public') is not null as schema_exists,
    coalesce(bool_and(has_schema_privilege(n.oid, p)), false) as may_create
  from (values ('USAGE'), ('CREATE')) v (p)
  left join pg_namespace n on n.nspname = 'public'`;

/** Of what an earlier run made: who owns it, where the login has not the owner's rights. */
const FOREIGN_OWNER = `
  select pg_get_userbyid(relowner)::text as owner from pg_class
  where oid = to_regclass('public.pgmigrations') and not pg_has_role(current_user, relowner, 'USAGE')`;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Whether the login may migrate at all, asked before anything is done.
 * @throws MigrationError that says what to grant
 */
export async function assertMayMigrate(client: Client): Promise<void> {
  const [rights] = (await client.query<Rights>(RIGHTS)).rows;
  if (rights === undefined) return;
  const { login, database } = rights;
  if (!rights.schema_exists) {
    throw new MigrationError(
      `The database ${quoted(database)} has no schema public. Let its owner run in it: CREATE SCHEMA public AUTHORIZATION ${quoted(login)}; and run this again.`,
    );
  }
  if (!rights.may_create) {
    throw new MigrationError(
      `The login ${quoted(login)} may not create tables in the schema public of the database ${quoted(database)}. Let the database's owner or a superuser run in it: GRANT USAGE, CREATE ON SCHEMA public TO ${quoted(login)}; and run this again.`,
    );
  }
  const [foreign] = (await client.query<{ owner: string }>(FOREIGN_OWNER)).rows;
  if (foreign !== undefined) {
    throw new MigrationError(
      `The tables in the database ${quoted(database)} belong to ${quoted(foreign.owner)}, and the login ${quoted(login)} is not that role nor inherits its rights. Migrate as ${quoted(foreign.owner)}, or let it hand over what it owns (docs/operate.md, "Roles in a database of your own").`,
    );
  }
}
