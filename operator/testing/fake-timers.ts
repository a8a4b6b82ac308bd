import type { Timers } from '../src/runtime/timers.ts';

/** Time that passes only when told to. */
export const fakeTimers = (): Timers & { advance(ms: number): void } => {
  let now = 0;
  const due = new Set<{ at: number; run: () => void }>();
  return {
    now: () => now,
    after: (ms, run) => {
      const one = { at: now + ms, run };
      due.add(one);
      return () => {
        due.delete(one);
      };
    },
    advance: (ms) => {
      const until = now + ms;
      for (;;) {
        const [next] = [...due].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        due.delete(next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = until;
    },
  };
};
