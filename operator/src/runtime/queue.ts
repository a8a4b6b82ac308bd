import { fullJitter } from './backoff.ts';
import { makeDelayedKeys } from './delayed-keys.ts';
import type { QueueMetrics } from './runtime-metrics.ts';
import { realTimers, type Timers } from './timers.ts';

/**
 * Keys to work on. A key that waits is not queued twice; one that is added while it is worked on
 * comes again after, for what was seen may be old. Never two workers on one key.
 */
export type WorkQueue = {
  add(key: string): void;
  /** The earliest of several for one key counts. */
  addAfter(key: string, ms: number): void;
  /** Adds after a backoff that grows with every retry since the last `forget`. Returns its milliseconds. */
  retry(key: string): number;
  /** The key went well: its next retry starts from the shortest backoff. */
  forget(key: string): void;
  /** Begins to work; what was added before has waited. */
  start(): void;
  /** Starts no more work; resolves when what runs has ended. */
  stop(): Promise<void>;
};

export type QueueState = { depth: number; oldestRunMs: number };

export type QueueOptions = {
  /** A rejection is retried; what else is to follow an error is the caller's to say. */
  work: (key: string) => Promise<void>;
  workers: number;
  metrics?: (state: () => QueueState) => QueueMetrics;
  /** Of retries. 5 ms, then twice as much each time, up to 5 minutes unless set. */
  backoff?: { baseMs: number; capMs: number };
  timers?: Timers;
};

const BACKOFF = { baseMs: 5, capMs: 5 * 60_000 };

export const makeQueue = (options: QueueOptions): WorkQueue => {
  const failures = new Map<string, number>();
  const pool = makePool(options, (key) => retry(key));
  const delayed = makeDelayedKeys(options.timers ?? realTimers, pool.add);
  let stopped = false;

  const addAfter = (key: string, ms: number): void => {
    if (stopped) return;
    if (ms <= 0) pool.add(key);
    else delayed.add(key, ms);
  };
  const retry = (key: string): number => {
    const failed = failures.get(key) ?? 0;
    failures.set(key, failed + 1);
    pool.metrics?.retried();
    const ms = fullJitter(failed, options.backoff ?? BACKOFF);
    addAfter(key, ms);
    return ms;
  };
  return {
    add: pool.add,
    addAfter,
    retry,
    forget: (key) => {
      failures.delete(key);
    },
    start: pool.start,
    stop: () => {
      stopped = true;
      delayed.clear();
      return pool.stop();
    },
  };
};

/** The keys that wait, the workers, and the rule that no key has two. */
const makePool = (options: QueueOptions, rejected: (key: string) => void) => {
  const timers = options.timers ?? realTimers;
  const waiting = new Map<string, number>(); // key -> since when; a Map keeps the order of arrival
  const running = new Map<string, number>();
  const endings = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const state = { started: false, stopped: false };

  const metrics = options.metrics?.(() => stateOf(waiting, running, timers.now()));

  const add = (key: string): void => {
    if (state.stopped || waiting.has(key) || again.has(key)) return;
    metrics?.added();
    if (running.has(key)) again.add(key);
    else waiting.set(key, timers.now());
    fill();
  };

  const fill = (): void => {
    if (!state.started || state.stopped) return;
    for (const [key, since] of waiting) {
      if (running.size >= options.workers) return;
      waiting.delete(key);
      metrics?.started(timers.now() - since);
      endings.set(key, run(key, timers.now()));
    }
  };

  const run = async (key: string, began: number): Promise<void> => {
    running.set(key, began); // before the work, which may add its own key
    try {
      await options.work(key);
    } catch {
      rejected(key);
    }
    running.delete(key);
    endings.delete(key);
    metrics?.finished(timers.now() - began);
    if (again.delete(key)) waiting.set(key, timers.now());
    fill();
  };

  const stop = async (): Promise<void> => {
    state.stopped = true;
    waiting.clear();
    await Promise.all(endings.values());
  };
  const start = (): void => {
    state.started = true;
    fill();
  };
  return { metrics, add, start, stop };
};

const stateOf = (
  waiting: ReadonlyMap<string, number>,
  running: ReadonlyMap<string, number>,
  now: number,
): QueueState => ({
  depth: waiting.size,
  oldestRunMs: now - Math.min(now, ...running.values()),
});
