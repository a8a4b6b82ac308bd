import { fullJitter, pause } from './backoff.ts';
import { KubeError } from './kube-error.ts';

export type CallOptions = {
  /** Of one attempt, its answer read. */
  timeoutMs?: number;
  /** At most, the first included. */
  attempts?: number;
  signal?: AbortSignal;
  /** Asked before every attempt: a write that may no longer start fails with NotLeading. */
  mayStart?: () => boolean;
};

const DEFAULTS = { timeoutMs: 15_000, attempts: 5 };
const BACKOFF = { baseMs: 100, capMs: 5_000 };
const RETRY_AFTER_CAP_MS = 30_000;

const isWorthAnother = (error: KubeError, idempotent: boolean): boolean => {
  if (error.reason === 'Aborted' || error.reason === 'NotLeading') return false;
  return error.neverTaken || (idempotent && (error.status === 0 || error.status >= 500));
};

/**
 * Runs `attempt` with a time-out, and again after 429 (the server's Retry-After heeded), and after
 * 5xx or no answer where repeating changes nothing.
 * @throws KubeError the last attempt's
 */
export const withRetries = async <T>(
  idempotent: boolean,
  call: CallOptions,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const { timeoutMs, attempts } = { ...DEFAULTS, ...call };
  const stop = call.signal ?? new AbortController().signal;
  for (let count = 1; ; count += 1) {
    if (call.mayStart?.() === false)
      throw new KubeError('not leading any more', { status: 0, reason: 'NotLeading' });
    try {
      return await attempt(AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]));
    } catch (error) {
      if (!(error instanceof KubeError) || count >= attempts) throw error;
      if (!isWorthAnother(error, idempotent)) throw error;
      // Clients that were told the same second would all come back in it.
      const asked = Math.min(error.retryAfterMs ?? 0, RETRY_AFTER_CAP_MS);
      await pause(asked + fullJitter(count - 1, BACKOFF), stop);
    }
  }
};
