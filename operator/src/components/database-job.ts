import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { Context } from '../steps/step.ts';
import {
  databaseEnvironment,
  databaseTarget,
  rootCertificateMounts,
  rootCertificateVolumes,
  type EnvironmentVariable,
} from './database-connection.ts';
import { imageOf } from './images.ts';
import { clusterName, isCloudNativePg, nameOf } from './names.ts';
import {
  containerSecurity,
  nodeUid,
  podDefaults,
  podMetadata,
  podSecurity,
  resourcesOf,
  temporaryMount,
  temporaryVolume,
} from './pods.ts';

/** The Jobs that run the image "migrations" on the database. */

/** Where the program writes one line about its result. */
const messageFile = '/dev/termination-log';

/** Identifies a database: another volume under the same name is another database. */
export const databaseIdentity = (context: Context) => {
  const { host, port, name } = databaseTarget(context.resource);
  return { host, port, name, volumeUid: volumeUid(context) };
};

/** The uid of what holds the data: a recreated one of the same name is an empty database. */
const volumeUid = ({ observed, resource }: Context): string | undefined =>
  observed.owned.get(
    isCloudNativePg(resource)
      ? `Cluster/${clusterName(resource)}`
      : `PersistentVolumeClaim/${nameOf(resource, 'postgres')}`,
  )?.metadata.uid;

type JobOptions = {
  component: 'migrations' | 'seed';
  command: string[];
  env: EnvironmentVariable[];
  annotations?: Record<string, string>;
  /** A ConfigMap to mount. */
  folder?: { path: string; configMap: string };
};

export const databaseJob = (context: Context, options: JobOptions): Record<string, unknown> => ({
  spec: {
    ...jobDefaults,
    template: {
      metadata: podMetadata(context.resource, options.component, options.annotations),
      spec: podSpec(context, options),
    },
  },
});

export const jobDefaults = {
  // One attempt: the step decides about the next, from what the failure reported.
  backoffLimit: 0,
  // Rather too long than too short: an interrupted run starts over.
  activeDeadlineSeconds: 3600,
  completions: 1,
  parallelism: 1,
  // Explicit, so that an edit is drift: a suspended Job would hold up everything.
  suspend: false,
  podReplacementPolicy: 'Failed',
  podFailurePolicy: {
    rules: [
      // A drained node says nothing about the program.
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    ],
  },
};

const podSpec = (
  { resource, settings }: Context,
  { component, command, env, folder }: JobOptions,
) => ({
  ...podDefaults(resource, component),
  restartPolicy: 'Never',
  securityContext: podSecurity(nodeUid),
  // The program ends at SIGTERM, and PostgreSQL rolls its transaction back.
  terminationGracePeriodSeconds: 15,
  containers: [
    {
      name: component,
      image: imageOf('migrations', resource, settings),
      imagePullPolicy: resource.spec.images.pullPolicy,
      command,
      env: [
        ...databaseEnvironment(resource, component),
        { name: 'TERMINATION_MESSAGE_FILE', value: messageFile },
        ...env,
      ],
      resources: jobResources(resource),
      securityContext: containerSecurity,
      terminationMessagePath: messageFile,
      terminationMessagePolicy: 'FallbackToLogsOnError',
      volumeMounts: [
        temporaryMount,
        ...rootCertificateMounts(resource),
        ...(folder === undefined ? [] : [{ name: 'seed', mountPath: folder.path, readOnly: true }]),
      ],
    },
  ],
  volumes: [
    temporaryVolume,
    ...rootCertificateVolumes(resource),
    ...(folder === undefined ? [] : [{ name: 'seed', configMap: { name: folder.configMap } }]),
  ],
});

export const jobResources = ({ spec }: MovieTicketing) =>
  resourcesOf(
    { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    spec.jobs.resources,
  );
