import { shortHash } from '../../objects/hash.ts';
import type { BackupStorage } from '../../resource/backup.schema.ts';
import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import type { Component, HashedObject, NamedObject } from '../../steps/component.ts';
import type { Context } from '../../steps/step.ts';
import { databaseConnection } from '../database-connection.ts';
import { databaseIdentity, jobDefaults } from '../database-job.ts';
import { migrationJob } from '../migrations/migrations.component.ts';
import { hasProgramLogins, nameOf } from '../names.ts';
import { podMetadata } from '../pods.ts';
import {
  backupContainer,
  backupPod,
  postgresContainer,
  postgresEnvironment,
  serverEnvironment,
} from './backup.pods.ts';
import { storageConnection } from './backup-storage.ts';
import { dumpScript, restoreIntoServerScript, restoreScript, serverScript } from './scripts.ts';

const wantsBackups = ({ spec }: MovieTicketing): boolean => spec.backup !== undefined;
const wantsRestore = (resource: MovieTicketing): boolean =>
  hasProgramLogins(resource) && resource.spec.restoreFrom !== undefined;

/** Only called where `when` holds. */
const backupStorage = ({ spec }: MovieTicketing): BackupStorage => spec.backup?.storage ?? {};

const cronJob = (
  component: 'backup' | 'verify',
  schedule: (resource: MovieTicketing) => string | undefined,
  podSpec: (context: Context) => object,
): NamedObject => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  component,
  name: (resource) => nameOf(resource, component),
  body: (context) => ({
    spec: {
      schedule: schedule(context.resource),
      timeZone: 'Etc/UTC',
      // Two at once would compete for the disk; one that was missed is made up for within the hour.
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 3_600,
      suspend: false,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
      jobTemplate: {
        spec: {
          ...jobDefaults,
          activeDeadlineSeconds: 6 * 3_600,
          template: {
            metadata: podMetadata(context.resource, component),
            spec: podSpec(context),
          },
        },
      },
    },
  }),
});

/** Dumps, and publishes what was dumped. */
const dumpingPod = (context: Context): object => {
  const { resource } = context;
  const storage = backupStorage(resource);
  return backupPod(resource, 'backup', {
    storage,
    initContainers: [
      postgresContainer(context, {
        name: 'dump',
        script: dumpScript,
        env: postgresEnvironment(resource, 'backup'),
      }),
    ],
    containers: [backupContainer(context, { command: 'store', storage })],
  });
};

export const backupCronJob = cronJob('backup', ({ spec }) => spec.backup?.schedule, dumpingPod);

const jobSpec = (
  { resource }: Context,
  component: 'backup' | 'restore',
  podSpec: object,
): Record<string, unknown> => ({
  spec: {
    ...jobDefaults,
    activeDeadlineSeconds: 6 * 3_600,
    template: { metadata: podMetadata(resource, component), spec: podSpec },
  },
});

/** A backup of what the migrations of a version find; one for each run of them. */
export const backupBeforeMigrations: HashedObject = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  component: 'backup',
  when: ({ spec }) => spec.backup?.beforeMigrations === true,
  hashedName: (context) =>
    `${nameOf(context.resource, 'backup')}-${shortHash(migrationJob.hashedName(context))}`,
  body: (context) => jobSpec(context, 'backup', dumpingPod(context)),
};

const isAccepting = {
  startupProbe: {
    exec: { command: ['pg_isready', '-q', '-h', '127.0.0.1', '-U', 'postgres'] },
    periodSeconds: 1,
    failureThreshold: 300,
  },
};

/** Restores the newest backup into a PostgreSQL of the pod's own and checks it. */
export const verifyCronJob = cronJob(
  'verify',
  ({ spec }) => spec.backup?.verify.schedule,
  (context) => {
    const { resource } = context;
    const storage = backupStorage(resource);
    return backupPod(resource, 'verify', {
      storage,
      initContainers: [
        backupContainer(context, { command: 'fetch', storage }),
        {
          ...postgresContainer(context, { name: 'server', script: serverScript, env: [] }),
          ...isAccepting,
          // A sidecar: it runs until the containers below have ended.
          restartPolicy: 'Always',
        },
        postgresContainer(context, {
          name: 'restore',
          script: restoreIntoServerScript,
          env: serverEnvironment,
        }),
      ],
      containers: [
        backupContainer(context, {
          command: 'check',
          storage,
          env: [{ name: 'BACKUP_KEEP', value: String(resource.spec.backup?.retention.count ?? 7) }],
        }),
      ],
    });
  },
);

/** Fills a new database. */
export const restoreJob: HashedObject = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  component: 'restore',
  hashedName: (context) =>
    `${nameOf(context.resource, 'restore')}-${shortHash({
      from: context.resource.spec.restoreFrom,
      database: databaseIdentity(context),
    })}`,
  body: (context) => {
    const { resource } = context;
    const storage = resource.spec.restoreFrom?.storage ?? {};
    const id = resource.spec.restoreFrom?.backup;
    const pod = backupPod(resource, 'restore', {
      storage,
      initContainers: [
        backupContainer(context, {
          command: 'fetch',
          storage,
          env: id === undefined ? [] : [{ name: 'BACKUP_ID', value: id }],
        }),
      ],
      containers: [
        postgresContainer(context, {
          name: 'restore',
          script: restoreScript,
          // As the owner of the database: the tables belong to it.
          env: postgresEnvironment(resource, 'migrations'),
        }),
      ],
    });
    return jobSpec(context, 'restore', pod);
  },
};

export const backup: Component = {
  name: 'backup',
  when: wantsBackups,
  owns: [backupCronJob, backupBeforeMigrations],
  connectsTo: (resource) => [
    databaseConnection(resource),
    ...storageConnection(backupStorage(resource)),
  ],
};

export const verification: Component = {
  name: 'verify',
  when: wantsBackups,
  owns: [verifyCronJob],
  connectsTo: (resource) => storageConnection(backupStorage(resource)),
};

export const restore: Component = {
  name: 'restore',
  when: wantsRestore,
  owns: [restoreJob],
  connectsTo: (resource) => [
    databaseConnection(resource),
    ...storageConnection(resource.spec.restoreFrom?.storage ?? {}),
  ],
};
