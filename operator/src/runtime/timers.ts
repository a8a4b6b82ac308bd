/** Time, as tests replace it. */
export type Timers = {
  /** Milliseconds that never go back. */
  now(): number;
  /** Calls once after `ms`; returns what calls it off. */
  after(ms: number, run: () => void): () => void;
};

export const realTimers: Timers = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
