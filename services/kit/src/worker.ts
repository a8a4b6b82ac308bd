import type { Logger } from './logging.ts';
import { makeWorkerMetrics, type Registry } from './metrics.ts';

export type Worker = {
  /** Resolves once the current run has finished. No other run starts. */
  stop(): Promise<void>;
};

/**
 * Runs `work` repeatedly, one run at a time, with a pause of `intervalMs` between two runs. A failure is
 * logged and does not end the worker. If `work` returns true, more work is waiting and the next run
 * starts without a pause.
 */
export const startWorker = (options: {
  name: string;
  intervalMs: number;
  logger: Logger;
  registry: Registry;
  work: () => Promise<boolean>;
}): Worker => {
  const metrics = makeWorkerMetrics(options.registry, options.name, options.intervalMs);
  let stopped = false;
  let wake: () => void = () => undefined;
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, options.intervalMs * (0.9 + Math.random() * 0.2));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const loop = async (): Promise<void> => {
    while (!stopped) {
      let hasMore = false;
      try {
        hasMore = await options.work();
        metrics.succeeded();
      } catch (error) {
        options.logger.error({ error, worker: options.name }, 'background work failed');
      }
      // Read through a function, because stop() may have been called during the run.
      if (!isStopped() && !hasMore) await pause();
    }
  };
  const isStopped = (): boolean => stopped;
  const running = loop();
  return {
    stop: () => {
      stopped = true;
      wake();
      return running;
    },
  };
};
