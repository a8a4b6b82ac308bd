import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import type { BackupStorage } from '../../resource/backup.schema.ts';
import type { OperatorSettings } from '../../objects/settings.ts';
import type { Context } from '../../steps/step.ts';
import {
  databaseEnvironment,
  rootCertificateMounts,
  rootCertificateVolumes,
  type EnvironmentVariable,
} from '../database-connection.ts';
import { jobResources } from '../database-job.ts';
import { imageOf } from '../images.ts';
import type { Program } from '../names.ts';
import {
  containerSecurity,
  podDefaults,
  podSecurity,
  temporaryMount,
  temporaryVolume,
} from '../pods.ts';
import { postgresUid } from '../postgres/postgres.pod.ts';
import { storageEnvironment, storageMounts, storageVolumes } from './backup-storage.ts';

/**
 * The pods of backup, verification and restore. PostgreSQL's programs run in the image of the database, so that
 * they fit its version; what needs no PostgreSQL program runs in our own. They share a scratch folder.
 */

const messageFile = '/dev/termination-log';

const postgresImage = ({ spec }: MovieTicketing): string =>
  spec.backup?.image ?? spec.database.managed?.image ?? 'postgres:17';

const common = (resource: MovieTicketing) => ({
  imagePullPolicy: resource.spec.images.pullPolicy,
  resources: jobResources(resource),
  securityContext: containerSecurity,
  terminationMessagePath: messageFile,
  terminationMessagePolicy: 'FallbackToLogsOnError',
});

const scratchMount = { name: 'scratch', mountPath: '/scratch' };

/** libpq's names of the DB_ variables. */
const libpq: Readonly<Record<string, string>> = {
  DB_HOST: 'PGHOST',
  DB_PORT: 'PGPORT',
  DB_NAME: 'PGDATABASE',
  DB_USER: 'PGUSER',
  DB_PASSWORD: 'PGPASSWORD',
  DB_SSLMODE: 'PGSSLMODE',
  DB_SSLROOTCERT: 'PGSSLROOTCERT',
};

export const postgresEnvironment = (
  resource: MovieTicketing,
  program: Program | 'migrations',
): EnvironmentVariable[] =>
  databaseEnvironment(resource, program).map(({ name, ...source }) => ({
    name: libpq[name] ?? name,
    ...source,
  }));

/** Of the throwaway server in the same pod. */
export const serverEnvironment: EnvironmentVariable[] = [
  { name: 'PGHOST', value: '127.0.0.1' },
  { name: 'PGUSER', value: 'postgres' },
];

export const postgresContainer = (
  { resource }: Context,
  options: { name: string; script: string; env: EnvironmentVariable[] },
) => ({
  name: options.name,
  image: postgresImage(resource),
  command: ['bash', '-c', options.script],
  env: options.env,
  ...common(resource),
  volumeMounts: [scratchMount, temporaryMount, ...rootCertificateMounts(resource)],
});

export const backupContainer = (
  { resource, settings }: { resource: MovieTicketing; settings: OperatorSettings },
  options: {
    command: 'store' | 'fetch' | 'check';
    storage: BackupStorage;
    env?: EnvironmentVariable[];
  },
) => ({
  name: options.command,
  image: imageOf('migrations', resource, settings),
  command: ['node', 'backups/src/main.ts', options.command],
  env: [
    ...storageEnvironment(options.storage),
    { name: 'HOME', value: '/tmp' },
    { name: 'TERMINATION_MESSAGE_FILE', value: messageFile },
    ...(options.env ?? []),
  ],
  ...common(resource),
  volumeMounts: [scratchMount, temporaryMount, ...storageMounts(options.storage)],
});

export const backupPod = (
  resource: MovieTicketing,
  component: 'backup' | 'verify' | 'restore',
  {
    storage,
    ...containers
  }: { storage: BackupStorage; initContainers: object[]; containers: object[] },
) => ({
  ...podDefaults(resource, component),
  restartPolicy: 'Never',
  // One user for both images, so that they share files. initdb needs a user that its image knows.
  securityContext: { ...podSecurity(postgresUid), fsGroup: postgresUid },
  terminationGracePeriodSeconds: 15,
  ...containers,
  volumes: [
    temporaryVolume,
    { name: 'scratch', emptyDir: {} },
    ...storageVolumes(storage),
    ...rootCertificateVolumes(resource),
  ],
});
