import type { Timers } from './timers.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1; // a longer one fires at once

/** Keys to come later; of several times for one key the earliest counts. */
export type DelayedKeys = { add(key: string, ms: number): void; clear(): void };

export const makeDelayedKeys = (timers: Timers, due: (key: string) => void): DelayedKeys => {
  const delayed = new Map<string, { at: number; cancel: () => void }>();
  return {
    add: (key, ms) => {
      const at = timers.now() + ms;
      const earlier = delayed.get(key);
      if (earlier !== undefined) {
        if (earlier.at <= at) return;
        earlier.cancel();
      }
      const cancel = timers.after(Math.min(ms, LONGEST_TIMER_MS), () => {
        delayed.delete(key);
        due(key);
      });
      delayed.set(key, { at, cancel });
    },
    clear: () => {
      for (const { cancel } of delayed.values()) cancel();
      delayed.clear();
    },
  };
};
