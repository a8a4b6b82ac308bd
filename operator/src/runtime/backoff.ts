import { setTimeout as delay } from 'node:timers/promises';

import { KubeError } from './kube-error.ts';

export type Backoff = { baseMs: number; capMs: number };

/** Full jitter: anything from nothing to `baseMs` doubled for every failure before, at most `capMs`. */
export const fullJitter = (failures: number, { baseMs, capMs }: Backoff): number =>
  Math.random() * Math.min(capMs, baseMs * 2 ** failures);

const ASKED_CAP_MS = 30_000;

/**
 * Before a failed request is sent again: what the server asked for and some more, for clients that
 * were told the same second would all come back in it.
 */
export const retryDelay = (error: unknown, failures: number, backoff: Backoff): number =>
  (error instanceof KubeError ? Math.min(error.retryAfterMs, ASKED_CAP_MS) : 0) +
  fullJitter(failures, backoff);

/** Resolves after `ms`, or at once when the signal is aborted. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
