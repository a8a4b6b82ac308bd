import type { Registry } from '@movie-ticketing/kit/metrics';

import { budgetOf, mostPods, smallestPool } from '../components/connection-budget.ts';
import type { MovieTicketing, MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import { makeGauge } from '../runtime/metrics.ts';

export type ResourceMetrics = {
  /** After each reconcile, with the status that it wrote. */
  record: (key: string, resource: MovieTicketing, status: MovieTicketingStatus) => void;
  /** The resource was deleted: its values end. */
  forget: (key: string) => void;
};

const labelNames = ['resource_namespace', 'resource'] as const;
type Labels = Record<(typeof labelNames)[number], string>;

/** A scrape adds its own label `namespace`, that of the operator. */
const labelsOf = ({ metadata }: MovieTicketing): Labels => ({
  resource_namespace: metadata.namespace,
  resource: metadata.name,
});

type Known = { resource: MovieTicketing; status: MovieTicketingStatus };

const secondsOf = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Date.parse(time) / 1_000;

/** Metrics about each custom resource that this process reconciles, from its status. */
export const makeResourceMetrics = (registry: Registry): ResourceMetrics => {
  const known = new Map<string, Known>();
  const perResource = (
    name: string,
    help: string,
    read: (found: Known) => number | undefined,
  ): void => {
    const gauge = makeGauge(registry, { name, help, labelNames }, () => {
      // Without what belonged to resources that are gone.
      gauge.reset();
      return [...known.values()].flatMap((found): [Labels, number][] => {
        const value = read(found);
        return value === undefined ? [] : [[labelsOf(found.resource), value]];
      });
    });
  };
  exposeConditions(registry, known);
  perResource(
    'movie_ticketing_backup_recovery_point_timestamp_seconds',
    'What was committed until then is in the last backup',
    ({ status }) => secondsOf(status.backup?.recoveryPoint),
  );
  perResource(
    'movie_ticketing_backup_last_verified_timestamp_seconds',
    'When a backup was last restored and checked',
    ({ status }) => secondsOf(status.backup?.lastVerified),
  );
  perResource(
    'movie_ticketing_backup_size_bytes',
    'Size of the last backup',
    ({ status }) => status.backup?.size,
  );
  perResource(
    'movie_ticketing_database_connections_needed',
    'Connections of all pods of the services together, where each has the smallest pool',
    // Larger pools shrink until they fit: only these can be too many.
    ({ resource }) => mostPods(resource) * smallestPool,
  );
  perResource(
    'movie_ticketing_database_connections_available',
    'Connections that PostgreSQL has for the services, where the operator knows it',
    ({ resource }) => budgetOf(resource).available,
  );
  return {
    record: (key, resource, status) => {
      known.set(key, { resource, status });
    },
    forget: (key) => {
      known.delete(key);
    },
  };
};

const exposeConditions = (registry: Registry, known: ReadonlyMap<string, Known>): void => {
  const metric = {
    name: 'movie_ticketing_condition',
    help: 'Conditions of the custom resources: 1 for the status that a condition has',
    labelNames: [...labelNames, 'type', 'status'] as const,
  };
  const gauge = makeGauge(registry, metric, () => {
    gauge.reset();
    return [...known.values()].flatMap(({ resource, status }) =>
      (status.conditions ?? []).map(
        ({ type, status: value }): [Labels & { type: string; status: string }, number] => [
          { ...labelsOf(resource), type, status: value },
          1,
        ],
      ),
    );
  });
};
