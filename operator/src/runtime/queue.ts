import { fullJitter, type Backoff } from './backoff.ts';
import type { ControllerMetrics } from './metrics.ts';

export type QueueOptions = {
  name: string;
  /**
   * Resolves with the delay in milliseconds before the key runs again, or undefined for no rerun.
   * `isPoll`: nothing was added since the last run, only its delay has passed.
   */
  work: (key: string, isPoll: boolean) => Promise<number | undefined>;
  workers: number;
  /** Grows while the work on a key fails or asks for a rerun within a second. */
  backoff: Backoff;
  metrics: ControllerMetrics;
  /** Shortest time between two starts of the work on one key, however often the key is added. */
  spacingMs?: number;
};

/** A rerun this soon is a retry. It is delayed by the back-off, so that no answer of `work` can cause a hot loop. */
export const RETRY_BELOW_MS = 1_000;

const MAX_TIMER_MS = 2 ** 31 - 1; // Node.js runs a longer timer immediately

type Waiting = { since: number; isPoll: boolean };

/**
 * A queue of keys. A key that waits is not queued twice. A key that is added while it runs, runs again
 * afterwards, because the run may have read an older state. One key never has two workers.
 */
export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #spacingMs: number;
  /** Since when a key waits, and whether nothing but its delay added it. A Map keeps the order of arrival. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Map<string, { since: number; ended: Promise<void> }>();
  readonly #delayed = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  readonly #retries = new Map<string, number>();
  /** When a key started to run, for `spacingMs`. */
  readonly #startedAt = new Map<string, number>();
  #wakeUp: NodeJS.Timeout | undefined;
  #phase: 'created' | 'started' | 'stopped' = 'created';

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#spacingMs = options.spacingMs ?? 0;
  }

  add(key: string): void {
    this.#add(key, false);
  }

  #add(key: string, isPoll: boolean): void {
    if (this.#phase === 'stopped') return;
    const before = this.#waiting.get(key);
    if (before !== undefined) {
      before.isPoll &&= isPoll;
      return;
    }
    this.#options.metrics.queueAdds.inc({ name: this.#options.name });
    this.#waiting.set(key, { since: performance.now(), isPoll });
    this.#startWork();
  }

  /** Starts to work, also on keys that were added before. */
  start(): void {
    this.#phase = 'started';
    this.#startWork();
  }

  /** Stops the start of further work. Resolves when all running work has ended. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#waiting.clear();
    clearTimeout(this.#wakeUp);
    for (const { timer } of this.#delayed.values()) clearTimeout(timer);
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  /** Number of waiting keys. */
  depth(): number {
    return this.#waiting.size;
  }

  /** Age of the oldest running work. */
  oldestRunMs(): number {
    const now = performance.now();
    return now - Math.min(now, ...[...this.#running.values()].map(({ since }) => since));
  }

  /** Gives waiting keys to idle workers. */
  #startWork(): void {
    const { workers } = this.#options;
    if (this.#phase !== 'started') return;
    this.#forgetOldStarts();
    for (const [key, waiting] of this.#waiting) {
      if (this.#running.size >= workers) return;
      // A running key gets its turn when this run has ended, a key that started just now a moment later.
      if (this.#running.has(key) || this.#startedAt.has(key)) continue;
      this.#startRun(key, waiting);
    }
    this.#wakeUpForSpacing();
  }

  #startRun(key: string, { since: addedAt, isPoll }: Waiting): void {
    const { name, metrics } = this.#options;
    this.#waiting.delete(key);
    const since = performance.now();
    if (this.#spacingMs > 0) this.#startedAt.set(key, since);
    metrics.queueSeconds.observe({ name }, (since - addedAt) / 1_000);
    // In a microtask: work that adds its own key must find that key running.
    const ended = Promise.resolve().then(() => this.#run(key, since, isPoll));
    this.#running.set(key, { since, ended });
  }

  async #run(key: string, since: number, isPoll: boolean): Promise<void> {
    const { name, work, metrics } = this.#options;
    try {
      const delayMs = await work(key, isPoll);
      if (delayMs !== undefined && delayMs < RETRY_BELOW_MS) this.#retry(key, delayMs);
      else {
        this.#retries.delete(key);
        if (delayMs !== undefined) this.#addAfter(key, delayMs);
      }
    } catch {
      this.#retry(key, 0);
    }
    metrics.workSeconds.observe({ name }, (performance.now() - since) / 1_000);
    this.#running.delete(key);
    this.#startWork();
  }

  #retry(key: string, atLeastMs: number): void {
    const { name, backoff, metrics } = this.#options;
    const retries = this.#retries.get(key) ?? 0;
    this.#retries.set(key, retries + 1);
    metrics.queueRetries.inc({ name });
    this.#addAfter(key, Math.max(atLeastMs, fullJitter(retries, backoff)));
  }

  /** The earliest of several delays for one key wins. */
  #addAfter(key: string, ms: number): void {
    const at = performance.now() + ms;
    const before = this.#delayed.get(key);
    if (this.#phase === 'stopped' || (before !== undefined && before.at <= at)) return;
    clearTimeout(before?.timer);
    const due = (): void => {
      this.#delayed.delete(key);
      // A retry is no poll: what failed is tried again in full.
      this.#add(key, !this.#retries.has(key));
    };
    this.#delayed.set(key, { at, timer: setTimeout(due, Math.min(ms, MAX_TIMER_MS)) });
  }

  #forgetOldStarts(): void {
    const limit = performance.now() - this.#spacingMs;
    for (const [key, at] of this.#startedAt) if (at <= limit) this.#startedAt.delete(key);
  }

  /** Keys that wait for their spacing are looked at again when the first of them may start. */
  #wakeUpForSpacing(): void {
    clearTimeout(this.#wakeUp);
    const starts = [...this.#startedAt].filter(([key]) => this.#waiting.has(key));
    if (starts.length === 0) return;
    const first = Math.min(...starts.map(([, at]) => at)) + this.#spacingMs;
    this.#wakeUp = setTimeout(
      () => {
        this.#startWork();
      },
      Math.max(1, Math.ceil(first - performance.now())),
    );
  }
}
