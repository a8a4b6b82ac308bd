import { selectorOf, type ComponentName } from '../objects/labels.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { NamedObject } from '../steps/component.ts';
import { nameOf } from './names.ts';

/** What the Deployments of services and gateway have in common. */

/** A new pod is ready before an old one ends, so a roll-out fails no request. */
export const rollingUpdate = {
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
  minReadySeconds: 1,
  revisionHistoryLimit: 3,
  progressDeadlineSeconds: 300,
};

/** Over nodes and zones where there are several; a single node takes all pods. */
export const spreadOver = (resource: MovieTicketing, component: ComponentName) =>
  ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorOf(resource, component) },
    // Counts the pods of one roll-out: those of the previous one are about to end.
    matchLabelKeys: ['pod-template-hash'],
  }));

const get = (path: string) => ({ httpGet: { path, port: 'management', scheme: 'HTTP' } });

/**
 * A start takes one to two seconds, on a busy machine twenty: the liveness check waits for a minute.
 * A pod serves on after its end was requested: endpoints list it for some time, and then a connection to
 * it is used for up to four seconds (keepalive_time in services/gateway).
 */
export const httpProbes = {
  startupProbe: { ...get('/livez'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
  readinessProbe: { ...get('/readyz'), periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 2 },
  livenessProbe: { ...get('/livez'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  lifecycle: { preStop: { sleep: { seconds: 8 } } },
};

/**
 * A drain evicts one pod at a time, also the only one: a budget that forbids that would block the drain
 * for ever. Pods that are not ready can always be evicted.
 */
export const disruptionBudget = (component: ComponentName): NamedObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  component,
  name: (resource) => nameOf(resource, component),
  body: ({ resource }) => ({
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selectorOf(resource, component) },
    },
  }),
});
