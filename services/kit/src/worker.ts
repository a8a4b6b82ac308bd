import type { Logger } from './logging.ts';

export type Worker = {
  /** Lets a round that runs finish, then resolves. */
  stop(): Promise<void>;
};

/**
 * Runs `work` over and over, never two at once, with `intervalMs` between the end of one and the
 * start of the next. A failure is logged and the next round comes all the same.
 * `work` returns true when more waits already: then the next round follows at once.
 */
export const startWorker = (options: {
  name: string;
  intervalMs: number;
  logger: Logger;
  work: () => Promise<boolean>;
}): Worker => {
  let stopped = false;
  let wake: () => void = () => undefined;
  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, options.intervalMs * (0.9 + Math.random() * 0.2));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const loop = async (): Promise<void> => {
    while (!stopped) {
      let more = false;
      try {
        more = await options.work();
      } catch (error) {
        options.logger.error({ error, worker: options.name }, 'a background round failed');
      }
      // Read again through a function: stop() may have come during the round.
      if (!isStopped() && !more) await rest();
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
