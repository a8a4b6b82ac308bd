import { Problem } from '@movie-ticketing/kit/problems';

import { makeFairLines, type QueueClient } from './fair-lines.ts';

export type FairQueue = {
  /** @throws Problem `overloaded` where too many wait */
  run<T>(client: QueueClient, work: () => Promise<T>): Promise<T>;
  waiting(): number;
};

/** Bounds how much work runs at the same time and how many requests wait, and shares turns fairly. */
export const makeFairQueue = (options: {
  /** How long one turn takes, for Retry-After. */
  turnMs: number;
  concurrency: number;
  maximumWaiting: number;
}): FairQueue => {
  const { turnMs, concurrency, maximumWaiting } = options;
  const lines = makeFairLines(maximumWaiting);
  let running = 0;

  const refusal = (): Problem => {
    const seconds = Math.ceil((lines.length() * turnMs) / concurrency / 1_000);
    return new Problem('overloaded', {
      detail: 'Too many users are signing in at the moment.',
      retryAfter: Math.min(30, Math.max(1, seconds)),
    });
  };

  const waitForTurn = (client: QueueClient): Promise<void> =>
    new Promise((resolve, reject) => {
      const refuse = (): void => {
        reject(refusal());
      };
      if (!lines.add(client, { start: resolve, refuse })) refuse();
    });

  return {
    run: async (client, work) => {
      if (running < concurrency) running += 1;
      else await waitForTurn(client);
      try {
        return await work();
      } finally {
        // The turn goes to the next waiting request, so `running` changes only if none waits.
        const next = lines.next();
        if (next === undefined) running -= 1;
        else next.start();
      }
    },
    waiting: lines.length,
  };
};
