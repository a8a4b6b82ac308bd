import { shortHash } from '../../objects/hash.ts';
import type { Component, HashedObject } from '../../steps/component.ts';
import type { Context, Finding } from '../../steps/step.ts';
import { databaseConnection } from '../database-connection.ts';
import { databaseIdentity, databaseJob } from '../database-job.ts';
import { contentHash, findContent } from '../secret-contents.ts';

const seedFolder = '/seed';

/** The ConfigMap with the user's seed data, where the spec references one. */
export const seedData = (context: Context): { hash: string } | Finding | undefined => {
  const name = context.resource.spec.seed.configMapRef?.name;
  if (name === undefined) return undefined;
  return contentHash(findContent(context, 'ConfigMap', name), {
    kind: 'ConfigMap',
    name,
    keys: ['movies.json', 'theaters.json'],
  });
};

/** The image is not part of the name: a new version does not seed again. */
const hash = (context: Context): string =>
  shortHash({
    mode: context.resource.spec.seed.mode,
    from: context.resource.spec.seed.configMapRef?.name,
    database: databaseIdentity(context),
  });

export const seedJob: HashedObject = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  component: 'seed',
  hashedName: (context) => `${context.resource.metadata.name}-seed-${hash(context)}`,
  body: (context) => {
    const { seed, bookings } = context.resource.spec;
    const from = seed.configMapRef?.name;
    const data = seedData(context);
    return databaseJob(context, {
      component: 'seed',
      command: ['node', 'seed/src/main.ts'],
      env: [
        { name: 'SEED', value: from === undefined ? 'demo' : 'folder' },
        { name: 'CURRENCY', value: bookings.currency },
        ...(from === undefined ? [] : [{ name: 'SEED_DIR', value: seedFolder }]),
      ],
      // A Job that failed on the data is replaced as soon as the data change.
      ...(data !== undefined && 'hash' in data
        ? { annotations: { 'movieticketing.io/config': data.hash } }
        : {}),
      ...(from === undefined ? {} : { folder: { path: seedFolder, configMap: from } }),
    });
  },
};

export const seed: Component = {
  name: 'seed',
  owns: [seedJob],
  connectsTo: (resource) => [databaseConnection(resource)],
};
