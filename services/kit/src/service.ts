import type { Route } from './endpoint.ts';
import type { Edge } from './pipeline.ts';
import type { ReadinessCheck } from './readiness.ts';

/** A service as its composition root makes it: what it answers, when it is ready, how it stops. */
export type Service = {
  name: string;
  routes: readonly Route[];
  edge: Edge;
  ready: ReadinessCheck;
  /** After the last request was answered: stops workers and queues, then closes the database. */
  stop: () => Promise<void>;
};
