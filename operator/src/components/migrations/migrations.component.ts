import { shortHash } from '../../objects/hash.ts';
import type { Component, HashedObject } from '../../steps/component.ts';
import type { Context } from '../../steps/step.ts';
import { databaseConnection } from '../database-connection.ts';
import { databaseIdentity, databaseJob } from '../database-job.ts';
import { imageOf } from '../images.ts';
import { isManaged } from '../names.ts';
import { databaseLogin } from '../secret-contents.ts';

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
  if (isManaged(context.resource)) return undefined;
  const login = databaseLogin(context);
  return 'hash' in login ? login.hash : undefined;
};

export const migrationJob: HashedObject = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  component: 'migrations',
  hashedName: (context) => `${context.resource.metadata.name}-migrate-${hash(context)}`,
  body: (context) =>
    databaseJob(context, {
      component: 'migrations',
      command: ['node', 'migrations/src/main.ts'],
      env: [],
    }),
};

export const migrations: Component = {
  name: 'migrations',
  owns: [migrationJob],
  connectsTo: (resource) => [databaseConnection(resource)],
};
