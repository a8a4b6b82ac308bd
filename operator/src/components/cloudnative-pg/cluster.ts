import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import type { NamedObject } from '../../steps/component.ts';
import { databaseName } from '../database-connection.ts';
import { clusterName, isCloudNativePg } from '../names.ts';
import { promised, withDefaults } from '../postgres/postgres-parameters.ts';

/**
 * The objects of CloudNativePG (postgresql.cnpg.io), which runs PostgreSQL with failover. What they say is
 * documented at https://cloudnative-pg.io/docs.
 */

const group = {
  apiVersion: 'postgresql.cnpg.io/v1',
  component: 'postgres',
  optional: { install: 'Install CloudNativePG 1.27 or newer' },
} as const;

/** Owns the database, and creates the roles and logins of the services. */
const owner = 'movie_ticketing';

const barmanPlugin = 'barman-cloud.cloudnative-pg.io';

type Archive = { objectStore: string; serverName?: string };

const archiveParameters = ({ objectStore, serverName }: Archive) => ({
  barmanObjectName: objectStore,
  ...(serverName === undefined ? {} : { serverName }),
});

const settingsOf = ({ spec }: MovieTicketing) => {
  if (spec.database.cloudNativePG === undefined) throw new Error('only called where it is set');
  return spec.database.cloudNativePG;
};

const bootstrap = (resource: MovieTicketing) => {
  const { recovery } = settingsOf(resource);
  if (recovery === undefined) {
    return {
      bootstrap: {
        initdb: {
          database: databaseName,
          owner,
          encoding: 'UTF8',
          localeProvider: 'builtin',
          builtinLocale: 'C.UTF-8',
          localeCollate: 'C',
          localeCType: 'C',
          dataChecksums: true,
        },
      },
    };
  }
  const { targetTime } = recovery;
  return {
    bootstrap: {
      recovery: {
        source: 'origin',
        database: databaseName,
        owner,
        ...(targetTime === undefined ? {} : { recoveryTarget: { targetTime } }),
      },
    },
    externalClusters: [
      {
        name: 'origin',
        plugin: { name: barmanPlugin, parameters: archiveParameters(recovery) },
      },
    ],
  };
};

/**
 * A commit waits for that many standby servers. Without failoverQuorum a standby server that was not among
 * them could become the primary.
 */
const synchronous = (resource: MovieTicketing) => {
  const { number, dataDurability } = settingsOf(resource).synchronous;
  return number === 0
    ? {}
    : { synchronous: { method: 'any', number, dataDurability, failoverQuorum: true } };
};

/**
 * Its affinity has the fields of a pod's spec, and fields of its own. An empty list of tolerations would differ
 * for ever from those that Kubernetes adds to a pod: CloudNativePG would replace its pods again and again.
 */
const placement = ({ spec }: MovieTicketing) => {
  const { nodeSelector, tolerations, affinity, priorityClassName } = spec.pods;
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity ?? {};
  return {
    affinity: {
      enablePodAntiAffinity: true,
      ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
      ...(tolerations.length === 0 ? {} : { tolerations }),
      ...(nodeAffinity === undefined ? {} : { nodeAffinity }),
      ...(podAffinity === undefined ? {} : { additionalPodAffinity: podAffinity }),
      ...(podAntiAffinity === undefined ? {} : { additionalPodAntiAffinity: podAntiAffinity }),
    },
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
  };
};

/** Outlives the resource, and is never deleted by the operator. */
export const cluster: NamedObject = {
  ...group,
  kind: 'Cluster',
  when: isCloudNativePg,
  name: clusterName,
  isRetained: () => true,
  neverDeleted: true,
  body: ({ resource }) => {
    const { instances, imageName, storage, resources, parameters, backup } = settingsOf(resource);
    const { size, storageClassName } = storage;
    const { labels, annotations } = resource.spec.pods;
    return {
      spec: {
        instances,
        ...(imageName === undefined ? {} : { imageName }),
        imagePullPolicy: resource.spec.images.pullPolicy,
        imagePullSecrets: resource.spec.images.pullSecrets.map((name) => ({ name })),
        storage: {
          size,
          ...(storageClassName === undefined ? {} : { storageClass: storageClassName }),
        },
        ...(resources === undefined ? {} : { resources }),
        // Not the label of the resource: its network policy would cut the pods off from their operator.
        inheritedMetadata: { labels, annotations },
        ...placement(resource),
        ...bootstrap(resource),
        postgresql: {
          parameters: { ...withDefaults(parameters), ...promised },
          ...synchronous(resource),
        },
        managed: {
          roles: [
            {
              name: owner,
              ensure: 'present',
              login: true,
              // Creates the logins of the services, and ends the sessions of those that it locks.
              createrole: true,
              inRoles: ['pg_signal_backend'],
            },
          ],
        },
        ...(backup === undefined
          ? {}
          : {
              plugins: [
                {
                  name: barmanPlugin,
                  isWALArchiver: true,
                  parameters: archiveParameters(backup),
                },
              ],
            }),
      },
    };
  },
};

export const scheduledBackup: NamedObject = {
  ...group,
  kind: 'ScheduledBackup',
  when: (resource) => resource.spec.database.cloudNativePG?.backup !== undefined,
  name: clusterName,
  body: ({ resource }) => ({
    spec: {
      // Its cron has a field for seconds before the five others.
      schedule: `0 ${settingsOf(resource).backup?.schedule ?? ''}`,
      cluster: { name: clusterName(resource) },
      method: 'plugin',
      pluginConfiguration: { name: barmanPlugin },
      backupOwnerReference: 'self',
      immediate: true,
    },
  }),
};

export const clusterObjects: readonly NamedObject[] = [cluster, scheduledBackup];
