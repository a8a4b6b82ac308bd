/** Reports how many of a number of things are done. */
export type Progress = (things: string, done: number, total: number) => void;

/** Logs progress at most once every `everyMs`, so that a short seed logs none. */
export const makeProgress = (log: (message: string) => void, everyMs: number): Progress => {
  let loggedAt = performance.now();
  return (things, done, total) => {
    if (performance.now() - loggedAt < everyMs) return;
    loggedAt = performance.now();
    log(`Loading seed data: ${String(done)} of ${String(total)} ${things}.`);
  };
};
