import { setTimeout as delay } from 'node:timers/promises';

export type Backoff = { baseMs: number; capMs: number };

/** Full jitter: anything from nothing to `baseMs` doubled for every failure before, at most `capMs`. */
export const fullJitter = (failures: number, { baseMs, capMs }: Backoff): number =>
  Math.random() * Math.min(capMs, baseMs * 2 ** failures);

/** Resolves after `ms`, or at once when the signal is aborted. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
