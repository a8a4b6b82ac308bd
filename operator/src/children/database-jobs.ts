import type { KubeObject } from '../runtime/kube-object.ts';
import type { Manifest, OperatorSettings } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import {
  databaseEnvironment,
  databaseTarget,
  type EnvironmentVariable,
} from './database-connection.ts';
import { shortHash } from './hash.ts';
import { imageOf } from './images.ts';
import { labelsOf, type Component } from './labels.ts';
import { manifest } from './manifest.ts';
import { namesOf } from './names.ts';
import {
  containerSecurity,
  podDefaults,
  podSecurity,
  resourcesOf,
  temporaryMount,
  temporaryVolume,
} from './pod-security.ts';

/** The image's user "node". */
const nodeUid = 1000;

/** Where a Job's program says in a line what it came to. */
const messageFile = '/dev/termination-log';

/** Of migrations/src/main.ts: what trying again won't change, and what it may. */
export const exitCodes = { databaseAhead: 3, databaseUnreachable: 4 } as const;

/** Which database this is: another volume under the same name is another database. */
const databaseIdentity = (resource: MovieTicketing, volumeUid: string | undefined) => {
  const { host, port, name } = databaseTarget(resource);
  return { host, port, name, volumeUid };
};

/**
 * One a version of the migrations, database and login of somebody else's: it tells by its name what it has
 * done. Another login may have other rights, and what the services run as is found out by the migrations.
 */
export const migrationJobName = (
  resource: MovieTicketing,
  settings: OperatorSettings,
  volumeUid: string | undefined,
  loginHash: string | undefined,
): string =>
  namesOf(resource).migrationJob(
    shortHash({
      image: imageOf('migrations', resource, settings),
      database: databaseIdentity(resource, volumeUid),
      login: loginHash,
    }),
  );

export const migrationJob = (
  resource: MovieTicketing,
  settings: OperatorSettings,
  name: string,
): Manifest =>
  job(resource, settings, {
    name,
    component: 'migrations',
    command: ['node', 'migrations/src/main.ts'],
    env: [],
    annotations: {},
  });

/** Not of the image: a new version seeds no second time. */
export const seedJobName = (resource: MovieTicketing, volumeUid: string | undefined): string =>
  namesOf(resource).seedJob(
    shortHash({
      mode: resource.spec.seed.mode,
      from: resource.spec.seed.configMapRef?.name,
      database: databaseIdentity(resource, volumeUid),
    }),
  );

const seedFolder = '/seed';

/** @param dataHash of the ConfigMap: a Job that failed on it is made anew once it is put right */
export const seedJob = (
  resource: MovieTicketing,
  settings: OperatorSettings,
  name: string,
  dataHash?: string,
): Manifest => {
  const from = resource.spec.seed.configMapRef?.name;
  const env = [
    { name: 'SEED', value: from === undefined ? 'demo' : 'folder' },
    { name: 'CURRENCY', value: resource.spec.bookings.currency },
    ...(from === undefined ? [] : [{ name: 'SEED_DIR', value: seedFolder }]),
  ];
  return job(resource, settings, {
    name,
    component: 'seed',
    command: ['node', 'seed/src/main.ts'],
    env,
    annotations: dataHash === undefined ? {} : { 'movieticketing.io/config': dataHash },
    ...(from === undefined ? {} : { folder: { path: seedFolder, configMap: from } }),
  });
};

type JobOptions = {
  name: string;
  component: Extract<Component, 'migrations' | 'seed'>;
  command: string[];
  env: EnvironmentVariable[];
  annotations: Record<string, string>;
  folder?: { path: string; configMap: string };
};

const job = (
  resource: MovieTicketing,
  settings: OperatorSettings,
  options: JobOptions,
): Manifest => {
  const { name, component, annotations } = options;
  return manifest(
    resource,
    { apiVersion: 'batch/v1', kind: 'Job', name, component },
    {
      spec: {
        // One try: what comes after a failure is decided here, with what the failure said.
        backoffLimit: 0,
        // A long one is better left alone: ended half way it begins anew.
        activeDeadlineSeconds: 3600,
        completions: 1,
        parallelism: 1,
        // Said, for somebody may set it: a Job that waits for ever keeps everything waiting.
        suspend: false,
        podReplacementPolicy: 'Failed',
        podFailurePolicy: {
          rules: [
            // A drained node says nothing of the program.
            {
              action: 'Ignore',
              onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
            },
          ],
        },
        template: {
          metadata: { labels: labelsOf(resource, component), annotations },
          spec: podSpec(resource, settings, options),
        },
      },
    },
  );
};

const podSpec = (
  resource: MovieTicketing,
  settings: OperatorSettings,
  { component, command, env, folder }: JobOptions,
) => ({
  ...podDefaults(resource, namesOf(resource).jobs),
  restartPolicy: 'Never',
  securityContext: podSecurity(nodeUid),
  // A program that ends at SIGTERM: Postgres rolls back what was under way.
  terminationGracePeriodSeconds: 15,
  containers: [
    {
      name: component,
      image: imageOf('migrations', resource, settings),
      imagePullPolicy: resource.spec.images.pullPolicy,
      command,
      env: [
        ...databaseEnvironment(resource),
        { name: 'TERMINATION_MESSAGE_FILE', value: messageFile },
        ...env,
      ],
      resources: resourcesOf(
        { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
        undefined,
      ),
      securityContext: containerSecurity,
      terminationMessagePath: messageFile,
      terminationMessagePolicy: 'FallbackToLogsOnError',
      volumeMounts: [
        temporaryMount,
        ...(folder === undefined ? [] : [{ name: 'seed', mountPath: folder.path, readOnly: true }]),
      ],
    },
  ],
  volumes: [
    temporaryVolume,
    ...(folder === undefined ? [] : [{ name: 'seed', configMap: { name: folder.configMap } }]),
  ],
});

/** Told by its label: names hold a hash. */
export const isJobOf = (object: KubeObject, component: 'migrations' | 'seed'): boolean =>
  object.kind === 'Job' && object.metadata.labels?.['app.kubernetes.io/component'] === component;
