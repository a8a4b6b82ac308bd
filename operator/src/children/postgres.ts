import type { Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { quantityToNumber } from '../resource/quantity.ts';
import { databaseName, databaseUser, fromSecret, postgresPort } from './database-connection.ts';
import { shortHash } from './hash.ts';
import { labelsOf, selectorOf } from './labels.ts';
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
import { parametersFile, parametersMount, postgresConfigMap } from './postgres-parameters.ts';

type Managed = NonNullable<MovieTicketing['spec']['database']['managed']>;

/** The user "postgres" of the official image, Debian's. */
const postgresUid = 999;
const dataMount = '/var/lib/postgresql/data';
/** Below the mount: its own folder may hold what initdb does not want (lost+found). */
export const dataFolder = `${dataMount}/pgdata`;

/** As compose.yaml: the same locale whatever the image's. */
const initdbArguments =
  '--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --data-checksums';

/** @param size at least the volume's present size: one that was kept may be larger than asked for */
export const postgresVolume = (
  resource: MovieTicketing,
  managed: Managed,
  size: string = managed.storage.size,
): Manifest =>
  manifest(
    resource,
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      name: namesOf(resource).postgres,
      component: 'postgres',
      owned: managed.reclaimPolicy === 'Delete',
    },
    {
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: managed.storage.storageClassName,
        resources: { requests: { storage: size } },
      },
    },
  );

/** The larger of two sizes; volumes never shrink. */
export const largerSize = (asked: string, present: string | undefined): string =>
  present !== undefined && quantityToNumber(present) > quantityToNumber(asked) ? present : asked;

/** An address of its own, not the pod's: it stays when the pod comes back under another. */
export const postgresService = (resource: MovieTicketing): Manifest =>
  manifest(
    resource,
    {
      apiVersion: 'v1',
      kind: 'Service',
      name: namesOf(resource).postgres,
      component: 'postgres',
    },
    {
      spec: {
        type: 'ClusterIP',
        selector: selectorOf(resource, 'postgres'),
        ports: [{ name: 'postgres', port: postgresPort, protocol: 'TCP', targetPort: 'postgres' }],
      },
    },
  );

export const postgresStatefulSet = (resource: MovieTicketing, managed: Managed): Manifest => {
  const name = namesOf(resource).postgres;
  return manifest(
    resource,
    { apiVersion: 'apps/v1', kind: 'StatefulSet', name, component: 'postgres' },
    {
      spec: {
        replicas: 1,
        serviceName: name,
        podManagementPolicy: 'OrderedReady',
        // The partition said, for somebody may set it: then no change would reach the pod.
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        revisionHistoryLimit: 3,
        selector: { matchLabels: selectorOf(resource, 'postgres') },
        template: podTemplate(resource, managed, name),
      },
    },
  );
};

const podTemplate = (resource: MovieTicketing, managed: Managed, name: string) => ({
  metadata: {
    labels: labelsOf(resource, 'postgres'),
    annotations: {
      'movieticketing.io/config': shortHash(postgresConfigMap(resource, managed)['data']),
    },
  },
  spec: {
    ...podDefaults(resource, name),
    securityContext: {
      ...podSecurity(postgresUid),
      fsGroup: postgresUid,
      fsGroupChangePolicy: 'OnRootMismatch',
    },
    // Time to write its last checkpoint: one killed before takes as long to recover.
    terminationGracePeriodSeconds: 60,
    containers: [container(resource, managed)],
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: name } },
      { name: 'parameters', configMap: { name } },
      { name: 'run', emptyDir: {} },
      { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '128Mi' } },
      temporaryVolume,
    ],
  },
});

const container = (resource: MovieTicketing, managed: Managed) => ({
  name: 'postgres',
  image: managed.image,
  imagePullPolicy: resource.spec.images.pullPolicy,
  args: ['postgres', '-c', `config_file=${parametersFile}`],
  ports: [{ name: 'postgres', containerPort: postgresPort, protocol: 'TCP' }],
  env: [
    { name: 'PGDATA', value: dataFolder },
    { name: 'POSTGRES_USER', value: databaseUser },
    { name: 'POSTGRES_DB', value: databaseName },
    { name: 'POSTGRES_INITDB_ARGS', value: initdbArguments },
    fromSecret('POSTGRES_PASSWORD', namesOf(resource).databaseSecret, 'password'),
  ],
  // A start after a crash replays the log, which takes minutes at worst.
  startupProbe: { ...accepting, periodSeconds: 1, failureThreshold: 600 },
  readinessProbe: { ...accepting, periodSeconds: 5, failureThreshold: 2 },
  livenessProbe: { ...accepting, periodSeconds: 10, failureThreshold: 6 },
  lifecycle: {
    // Not what TERM asks of it, which is to wait until every client has gone.
    preStop: { exec: { command: ['pg_ctl', 'stop', '-D', dataFolder, '-m', 'fast', '-W'] } },
  },
  resources: resourcesOf(
    { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
    managed.resources,
  ),
  securityContext: containerSecurity,
  terminationMessagePolicy: 'FallbackToLogsOnError',
  volumeMounts: [
    { name: 'data', mountPath: dataMount },
    { name: 'parameters', mountPath: parametersMount, readOnly: true },
    { name: 'run', mountPath: '/var/run/postgresql' },
    { name: 'shm', mountPath: '/dev/shm' },
    temporaryMount,
  ],
});

/** Over TCP: while the image prepares the database it listens on its socket alone. */
const accepting = {
  exec: {
    command: ['pg_isready', '-q', '-h', '127.0.0.1', '-U', databaseUser, '-d', databaseName],
  },
  timeoutSeconds: 5,
};
