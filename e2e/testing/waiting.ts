import { setTimeout as pause } from 'node:timers/promises';

export const secondsSince = (started: number): string =>
  `${((performance.now() - started) / 1000).toFixed(1)} s`;

/**
 * Calls `ask` until it returns neither undefined nor false.
 * @throws Error with the description and the last state seen
 */
export const waitFor = async <T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  options: { seconds?: number; everyMs?: number; seen?: () => unknown } = {},
): Promise<T> => {
  const { seconds = 120, everyMs = 200 } = options;
  const end = performance.now() + seconds * 1000;
  let failure: unknown;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    await pause(everyMs);
  }
  const seen = await Promise.resolve(options.seen?.()).catch(String);
  const text = typeof seen === 'string' ? seen : JSON.stringify(seen, undefined, 1);
  throw new Error(
    `not within ${String(seconds)} s: ${what}${seen === undefined ? '' : `; last seen: ${text}`}`,
    { cause: failure },
  );
};
