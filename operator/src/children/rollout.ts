import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { selectorOf, type Component } from './labels.ts';

/** A new pod is ready before an old one goes, so a roll-out costs no request. */
export const rollingUpdate = {
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
  minReadySeconds: 1,
  revisionHistoryLimit: 3,
  progressDeadlineSeconds: 300,
};

/** Over nodes and zones where there are several; one node takes them all. */
export const spreadOver = (resource: MovieTicketing, component: Component) =>
  ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorOf(resource, component) },
    // Of one roll-out: the pods that are about to go do not count.
    matchLabelKeys: ['pod-template-hash'],
  }));

const get = (path: string) => ({ httpGet: { path, port: 'management', scheme: 'HTTP' } });

/**
 * Up in one to two seconds, on a busy machine in twenty: a minute before it counts as dead. Endpoints
 * forget a pod that ends some time after it was told so: it serves on for that long.
 */
export const httpProbes = {
  startupProbe: { ...get('/livez'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
  readinessProbe: { ...get('/readyz'), periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 2 },
  livenessProbe: { ...get('/livez'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  lifecycle: { preStop: { sleep: { seconds: 5 } } },
};
