/** The work did not finish in time. It may still take effect. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
}

const graceMs = 1_000;

/**
 * Runs `work` with a signal that aborts after `ms`. Work that ignores its signal is no longer waited for a
 * second later: a call that never returns must not hold up its caller.
 * @throws DeadlineExceeded
 */
export const withDeadline = async <T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new DeadlineExceeded(`no response within ${String(ms + graceMs)} ms`));
    }, ms + graceMs);
  });
  try {
    return await Promise.race([work(AbortSignal.timeout(ms)), late]);
  } finally {
    clearTimeout(timer);
  }
};
