/** A failed request. It has no stack: it reports an answer of the API server, not a bug. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** HTTP status, or 0 without a response: the outcome is then unknown. */
  readonly status: number;
  /**
   * The API server's reason (NotFound, Conflict, AlreadyExists, Forbidden, Invalid, Expired, ...) or one
   * of these: KindNotServed, Timeout, Unreachable, Aborted, NotLeading, InvalidResponse, WatchEnded.
   */
  readonly reason: string;
  /** From the header Retry-After. */
  readonly retryAfterMs: number;

  constructor(message: string, details: { status: number; reason: string; retryAfterMs?: number }) {
    super(message);
    delete this.stack;
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs ?? 0;
  }
}

export const hasReason = (error: unknown, ...reasons: string[]): error is KubeError =>
  error instanceof KubeError && reasons.includes(error.reason);

/** Resolves with undefined where the object does not exist. */
export const undefinedIfNotFound = async <T>(response: Promise<T>): Promise<T | undefined> => {
  try {
    return await response;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
};

const MESSAGE_LIMIT = 1_000;

type Status = { kind?: string; reason?: string; message?: string };

const statusIn = (body: string): Status => {
  try {
    return (JSON.parse(body) as Status | null) ?? {};
  } catch {
    return {};
  }
};

/** The API server answers plain text, and no Status object, where it does not serve the kind (no CRD). */
const reasonOf = (isStatus: boolean, reason: string | undefined, status: number): string => {
  if (isStatus && reason !== undefined) return reason;
  return !isStatus && status === 404 ? 'KindNotServed' : `Http${String(status)}`;
};

/**
 * The error of a refused request. The message of the API server can quote values of the request (for
 * instance in a type error), so it is left out for Secrets.
 */
export const errorFromResponse = (
  request: { description: string; kind: string },
  response: { status: number; retryAfter: string | undefined; body: string },
): KubeError => {
  const parsed = statusIn(response.body);
  const isStatus = parsed.kind === 'Status';
  const reason = reasonOf(isStatus, parsed.reason, response.status);
  const detail = isStatus && request.kind !== 'Secret' ? `: ${parsed.message ?? ''}` : '';
  const message = `${request.description}: ${String(response.status)} ${reason}${detail}`;
  const seconds = Number(response.retryAfter); // NaN for a date, which the API server never sends
  return new KubeError(message.slice(0, MESSAGE_LIMIT), {
    status: response.status,
    reason,
    retryAfterMs: Number.isFinite(seconds) ? Math.max(0, seconds * 1_000) : 0,
  });
};
