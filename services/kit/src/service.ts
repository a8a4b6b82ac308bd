import type { Route } from './endpoint.ts';
import type { Edge } from './pipeline.ts';
import type { ReadinessCheck } from './readiness.ts';

/** A service as its composition root makes it: its routes, its readiness check and how to stop it. */
export type Service = {
  name: string;
  routes: readonly Route[];
  edge: Edge;
  ready: ReadinessCheck;
  /** Called after the last response: stops workers and queues, then closes the database pool. */
  stop: () => Promise<void>;
};
