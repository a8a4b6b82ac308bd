import { fullJitter, type Backoff } from './backoff.ts';
import type { ControllerMetrics } from './metrics.ts';

export type QueueOptions = {
  name: string;
  /** Resolves with the milliseconds after which the key is to come again, if it is. */
  work: (key: string) => Promise<number | undefined>;
  workers: number;
  /** Of keys whose work is rejected: it grows until their work goes well. */
  backoff: Backoff;
  metrics: ControllerMetrics;
};

const LONGEST_TIMER_MS = 2 ** 31 - 1; // a longer one fires at once

/**
 * Keys to work on. A key that waits is not queued twice; one that is added while it is worked on
 * comes again after, for what was seen may be old. Never two workers on one key.
 */
export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #waiting = new Map<string, number>(); // key -> since when; a Map keeps the order of arrival
  readonly #running = new Map<string, { since: number; ended: Promise<void> }>();
  readonly #later = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  readonly #failures = new Map<string, number>();
  #phase: 'waits' | 'works' | 'stopped' = 'waits';

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#waiting.has(key)) return;
    this.#options.metrics.queueAdds.inc({ name: this.#options.name });
    this.#waiting.set(key, performance.now());
    this.#fill();
  }

  /** Begins to work; what was added before has waited. */
  start(): void {
    this.#phase = 'works';
    this.#fill();
  }

  /** Starts no more work; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#waiting.clear();
    for (const { timer } of this.#later.values()) clearTimeout(timer);
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  /** How many keys wait. */
  depth(): number {
    return this.#waiting.size;
  }

  /** How long the longest work has been running. */
  oldestRunMs(): number {
    const now = performance.now();
    return now - Math.min(now, ...[...this.#running.values()].map(({ since }) => since));
  }

  /** Gives waiting keys to idle workers. */
  #fill(): void {
    const { name, workers, metrics } = this.#options;
    if (this.#phase !== 'works') return;
    for (const [key, addedAt] of this.#waiting) {
      if (this.#running.size >= workers) return;
      if (this.#running.has(key)) continue; // its turn comes when this run has ended
      this.#waiting.delete(key);
      const since = performance.now();
      metrics.queueSeconds.observe({ name }, (since - addedAt) / 1_000);
      // In a turn of its own: when work adds its own key, that must be known to run.
      const ended = Promise.resolve().then(() => this.#run(key, since));
      this.#running.set(key, { since, ended });
    }
  }

  async #run(key: string, since: number): Promise<void> {
    const { name, work, backoff, metrics } = this.#options;
    try {
      const againMs = await work(key);
      this.#failures.delete(key);
      if (againMs !== undefined) this.#addAfter(key, againMs);
    } catch {
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      metrics.queueRetries.inc({ name });
      this.#addAfter(key, fullJitter(failures, backoff));
    }
    metrics.workSeconds.observe({ name }, (performance.now() - since) / 1_000);
    this.#running.delete(key);
    this.#fill();
  }

  /** Of several times for one key the earliest counts. */
  #addAfter(key: string, ms: number): void {
    const at = performance.now() + ms;
    const before = this.#later.get(key);
    if (this.#phase === 'stopped' || (before !== undefined && before.at <= at)) return;
    clearTimeout(before?.timer);
    const due = (): void => {
      this.#later.delete(key);
      this.add(key);
    };
    this.#later.set(key, { at, timer: setTimeout(due, Math.min(ms, LONGEST_TIMER_MS)) });
  }
}
