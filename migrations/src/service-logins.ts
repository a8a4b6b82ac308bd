import { loginsOf, sessionSettings, type ServiceRole } from '@movie-ticketing/kit/database-session';
import { codeOf, sqlstate } from '@movie-ticketing/kit/sqlstate';
import { escapeIdentifier, escapeLiteral, type Client } from 'pg';

import { MigrationError } from './migration-error.ts';
import { scramVerifier } from './scram-verifier.ts';

/** A login that a program connects with: a member of its role, with the role's session settings. */
export type ServiceLogin = { role: ServiceRole; name: string; password: string };

const selectLogins =
  'SELECT rolname AS name, rolcanlogin AS "canLogin" FROM pg_roles WHERE rolname = ANY ($1)';

type FoundLogin = { name: string; canLogin: boolean };

const find = async (client: Client, names: readonly string[]): Promise<FoundLogin[]> =>
  (await client.query<FoundLogin>(selectLogins, [names])).rows;

/** Statements that create a login or set its password, its role and its settings. */
const statementsFor = ({ role, name, password }: ServiceLogin, exists: boolean): string[] => {
  const login = escapeIdentifier(name);
  return [
    ...(exists ? [] : [`CREATE ROLE ${login}`]),
    // The verifier and not the password: a statement may be logged.
    `ALTER ROLE ${login} LOGIN PASSWORD ${escapeLiteral(scramVerifier(password))}`,
    `GRANT ${escapeIdentifier(role)} TO ${login}`,
    ...Object.entries(sessionSettings[role]).map(
      ([setting, value]) => `ALTER ROLE ${login} SET ${setting} = ${escapeLiteral(String(value))}`,
    ),
  ];
};

/** Nobody can sign in with it any more, and who has is disconnected. */
const lock = async (client: Client, name: string): Promise<void> => {
  await client.query(`ALTER ROLE ${escapeIdentifier(name)} NOLOGIN PASSWORD NULL`);
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()',
    [name],
  );
};

/**
 * Opens these logins, and locks any other login of their roles, in one transaction. It can be repeated: a run
 * that was interrupted changed nothing.
 * @throws MigrationError
 */
export const setServiceLogins = async (
  client: Client,
  logins: readonly ServiceLogin[],
): Promise<void> => {
  const roles = [...new Set(logins.map(({ role }) => role))];
  const names = new Set(logins.map(({ name }) => name));
  try {
    await client.query('BEGIN');
    const found = await find(client, roles.flatMap(loginsOf));
    for (const login of logins) {
      const exists = found.some(({ name }) => name === login.name);
      for (const statement of statementsFor(login, exists)) await client.query(statement);
    }
    for (const { name, canLogin } of found) {
      if (canLogin && !names.has(name)) await lock(client, name);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    const cure =
      codeOf(error) === sqlstate.insufficientPrivilege
        ? ' The login that migrates needs CREATEROLE.'
        : '';
    throw new MigrationError(
      `Setting the services' logins failed: ${(error as Error).message}.${cure} The migrations are applied and the logins are unchanged. Fix the cause, then migrate again.`,
      error,
    );
  }
};
