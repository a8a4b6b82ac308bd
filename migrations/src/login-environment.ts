import { ConfigError } from '@movie-ticketing/kit/config';
import { loginsOf, type ServiceRole } from '@movie-ticketing/kit/database-session';
import { z } from 'zod';

import type { ServiceLogin } from './service-logins.ts';

const programs = {
  CATALOG: 'mt_catalog',
  USERS: 'mt_users',
  BOOKINGS: 'mt_bookings',
  SEED: 'mt_seed',
  BACKUP: 'mt_backup',
} as const;

type Program = keyof typeof programs;
const programNames = Object.keys(programs) as Program[];

const nameOf = (role: ServiceRole) =>
  z.enum(loginsOf(role), `must be ${loginsOf(role).join(' or ')}`).optional();

const password = z
  .string()
  .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
  .optional();

const fieldsOf = (program: Program) => ({
  [`${program}_DB_USER`]: nameOf(programs[program]),
  [`${program}_DB_PASSWORD`]: password,
  // While a password is being rotated: pods use one login or the other.
  [`${program}_SECOND_DB_USER`]: nameOf(programs[program]),
  [`${program}_SECOND_DB_PASSWORD`]: password,
});

/** The logins of the programs; none by default. */
export const loginEnvironment = z.object(
  Object.assign({}, ...programNames.map(fieldsOf)) as ReturnType<typeof fieldsOf>,
);

type Values = Readonly<Record<string, string | undefined>>;

const loginIn = (values: Values, role: ServiceRole, prefix: string): ServiceLogin[] => {
  const [name, secret] = [values[`${prefix}_DB_USER`], values[`${prefix}_DB_PASSWORD`]];
  if (name === undefined && secret === undefined) return [];
  if (name === undefined || secret === undefined)
    throw new ConfigError(`set both ${prefix}_DB_USER and ${prefix}_DB_PASSWORD, or neither`);
  return [{ role, name, password: secret }];
};

/** @throws ConfigError */
export const serviceLoginsIn = (values: Values): ServiceLogin[] =>
  programNames.flatMap((program) => [
    ...loginIn(values, programs[program], program),
    ...loginIn(values, programs[program], `${program}_SECOND`),
  ]);
