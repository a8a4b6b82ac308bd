import { seedJob, seedJobName } from '../children/database-jobs.ts';
import { configMapKey } from '../children/manifest.ts';
import { usable } from './decide-database.ts';
import { runJob } from './decide-job.ts';
import { sinceOf, volumeUidOf } from './decide-migrations.ts';
import { done, waiting, type Context, type StepResult } from './step.ts';

/** Step three: what the system begins with is loaded, once. */
export const decideSeed = (context: Context, mayBegin: boolean): StepResult => {
  const { resource, observed, settings } = context;
  const { mode, configMapRef } = resource.spec.seed;
  if (mode === 'none') {
    return done({ reason: 'NotWanted', message: 'spec.seed.mode is none.' });
  }
  const seeded = { reason: 'Seeded', message: 'The data to begin with are loaded.' } as const;
  const name = seedJobName(resource, volumeUidOf(context));
  if (resource.status?.seededBy === name) return done(seeded);
  if (!mayBegin) {
    return waiting({ reason: 'Waiting', message: 'Seeding waits for the migrations.' });
  }
  const data =
    configMapRef === undefined
      ? undefined
      : usable(
          observed.given.get(configMapKey(configMapRef.name)),
          configMapRef.name,
          ['movies.json', 'theaters.json'],
          'ConfigMap',
        );
  if (data !== undefined && 'reason' in data) return waiting(data);
  const outcome = runJob(context, seedJob(resource, settings, name, data?.hash), {
    running: { reason: 'Seeding', message: 'The data to begin with are being loaded.' },
    failed: (said) => ({
      reason: 'SeedFailed',
      message: `The data to begin with could not be loaded, and nothing of them is kept. Put the cause right or set spec.seed.mode to none. ${said}`,
    }),
    failingSince: sinceOf(context, 'Seeded'),
  });
  return outcome.kind === 'other' ? outcome.result : done(seeded, { remember: { seededBy: name } });
};
