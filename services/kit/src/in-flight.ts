import type { IdempotentRequest, Replayable } from './idempotency.ts';

/**
 * Lets repeats of a request that is still in progress in this process wait for its result: one look-up
 * per key instead of one per repeat. Other processes are excluded by the key's row.
 */
export type InFlight<Result> = (
  request: IdempotentRequest | undefined,
  work: () => Promise<Replayable<Result>>,
) => Promise<Replayable<Result>>;

export const makeInFlight = <Result>(): InFlight<Result> => {
  const running = new Map<string, Promise<Replayable<Result>>>();
  return async (request, work) => {
    if (request === undefined) return work();
    const { userId, scope, key, requestHash } = request;
    // A repeat with another body has another hash: it is refused by the stored key.
    const id = `${String(userId)} ${scope} ${key} ${requestHash.toString('hex')}`;
    const first = running.get(id);
    if (first !== undefined) return { ...(await first), isReplay: true };
    const promise = work();
    running.set(id, promise);
    try {
      return await promise;
    } finally {
      running.delete(id);
    }
  };
};
