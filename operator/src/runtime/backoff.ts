import { setTimeout as delay } from 'node:timers/promises';

import { KubeError } from './kube-error.ts';

export type Backoff = { baseMs: number; capMs: number };

/** Full jitter: a random delay up to `baseMs` doubled for each earlier failure, at most `capMs`. */
export const fullJitter = (failures: number, { baseMs, capMs }: Backoff): number =>
  Math.random() * Math.min(capMs, baseMs * 2 ** failures);

const RETRY_AFTER_CAP_MS = 30_000;

/**
 * Delay before a failed request is sent again: the server's Retry-After plus jitter, because many
 * clients get the same Retry-After.
 */
export const retryDelay = (error: unknown, failures: number, backoff: Backoff): number =>
  (error instanceof KubeError ? Math.min(error.retryAfterMs, RETRY_AFTER_CAP_MS) : 0) +
  fullJitter(failures, backoff);

/** Resolves after `ms`, or immediately when the signal is aborted. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
