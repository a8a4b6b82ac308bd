import { expect } from '@jest/globals';

import type { MovieTicketingSpecInput } from '../src/resource/movie-ticketing.schema.ts';
import { resourceOf } from './example-resource.ts';
import { makeSimulatedCluster, type SimulatedCluster } from './simulated-cluster.ts';

export const clusterOf = (spec: MovieTicketingSpecInput = {}): SimulatedCluster =>
  makeSimulatedCluster(resourceOf(spec));

/** A cluster with a complete installation. */
export const installed = (spec: MovieTicketingSpecInput = {}): SimulatedCluster => {
  const cluster = clusterOf(spec);
  cluster.run();
  expect(cluster.resource.status?.phase).toBe('Running');
  return cluster;
};

/** A condition as `True Serving`. */
export const conditionOf = (cluster: SimulatedCluster, type: string): string => {
  const found = cluster.condition(type);
  return `${found?.status ?? 'no'} ${found?.reason ?? 'condition'}`;
};
