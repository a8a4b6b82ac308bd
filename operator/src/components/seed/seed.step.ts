import { runJob } from '../../steps/run-job.ts';
import {
  done,
  isDone,
  notTrueSince,
  waiting,
  type Context,
  type Step,
  type StepResult,
} from '../../steps/step.ts';
import { seedData, seedJob } from './seed.component.ts';

const decide = (context: Context): StepResult => {
  const { resource } = context;
  if (resource.spec.seed.mode === 'none') {
    return done({ reason: 'NotWanted', message: 'spec.seed.mode is none.' });
  }
  const seeded = { reason: 'Seeded', message: 'Seed data loaded.' } as const;
  const jobName = seedJob.hashedName(context);
  if (resource.status?.seededBy === jobName) return done(seeded);
  if (!isDone(context, 'database') || !isDone(context, 'migrations')) {
    return waiting({ reason: 'Waiting', message: 'Seeding waits for the migrations.' });
  }
  const data = seedData(context);
  if (data !== undefined && 'reason' in data) return waiting(data);
  const outcome = runJob(context, seedJob, {
    running: { reason: 'Seeding', message: 'Loading the seed data.' },
    failed: (message) => ({
      reason: 'SeedFailed',
      message: `The seed data could not be loaded and were rolled back. Correct the cause or set spec.seed.mode to none. ${message}`,
    }),
    failingSince: notTrueSince(context, 'Seeded'),
  });
  return outcome.kind === 'unfinished'
    ? outcome.result
    : done(seeded, { record: { seededBy: jobName } });
};

/** The seed data were loaded, once. */
export const seedDataIsLoaded: Step = { name: 'seed', condition: 'Seeded', decide };
