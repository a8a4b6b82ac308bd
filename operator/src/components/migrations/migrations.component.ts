import { shortHash } from '../../objects/hash.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import type { Component, HashedObject } from '../../steps/component.ts';
import type { Context } from '../../steps/step.ts';
import {
  databaseConnection,
  fromSecret,
  ifInSecret,
  type EnvironmentVariable,
} from '../database-connection.ts';
import { databaseIdentity, databaseJob } from '../database-job.ts';
import { imageOf } from '../images.ts';
import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import { hasProgramLogins, loginKeys, loginsSecretName, programs } from '../names.ts';
import { databaseLogin } from '../secret-contents.ts';
import { loginsSecret, wantedLoginsHash } from './service-logins.ts';

/**
 * One Job for each version of the migrations, database and external login: its name tells what it has
 * done. Another login may have other rights, and the migrations find out which roles the services run as.
 */
const hash = (context: Context): string =>
  shortHash({
    image: imageOf('migrations', context.resource, context.settings),
    database: databaseIdentity(context),
    login: externalLoginHash(context),
  });

const externalLoginHash = (context: Context): string | undefined => {
  if (hasProgramLogins(context.resource)) return undefined;
  const login = databaseLogin(context);
  return 'hash' in login ? login.hash : undefined;
};

/** The logins that the Job sets (migrations/src/login-environment.ts): a second one while they are rotated. */
const loginEnvironment = (resource: MovieTicketing): EnvironmentVariable[] => {
  if (!hasProgramLogins(resource)) return [];
  const secret = loginsSecretName(resource);
  return programs.flatMap((program) => {
    const prefix = program.toUpperCase();
    const [current, second] = [loginKeys(program, 'current'), loginKeys(program, 'second')];
    return [
      fromSecret(`${prefix}_DB_USER`, secret, current.username),
      fromSecret(`${prefix}_DB_PASSWORD`, secret, current.password),
      ifInSecret(`${prefix}_SECOND_DB_USER`, secret, second.username),
      ifInSecret(`${prefix}_SECOND_DB_PASSWORD`, secret, second.password),
    ];
  });
};

/** Of the Job: which logins it has set. */
const loginsAnnotation = 'movieticketing.io/logins';

/** Whether a completed Job has set the logins that are in the Secret now. */
export const hasSetLogins = (context: Context, job: KubeObject): boolean =>
  job.metadata.annotations?.[loginsAnnotation] === wantedLoginsHash(context);

export const migrationJob: HashedObject = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  component: 'migrations',
  hashedName: (context) => `${context.resource.metadata.name}-migrate-${hash(context)}`,
  body: (context) =>
    databaseJob(context, {
      component: 'migrations',
      command: ['node', 'migrations/src/main.ts'],
      env: loginEnvironment(context.resource),
    }),
  annotations: (context) => {
    const logins = wantedLoginsHash(context);
    return logins === undefined ? {} : { [loginsAnnotation]: logins };
  },
};

export const migrations: Component = {
  name: 'migrations',
  owns: [loginsSecret, migrationJob],
  connectsTo: (resource) => [databaseConnection(resource)],
};
