/** A request that failed. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** 0 where no answer came: the outcome is then unknown. */
  readonly status: number;
  /**
   * The API server's (NotFound, Conflict, AlreadyExists, Forbidden, Invalid, Expired, ...) or one of
   * ours: Timeout, Unreachable, Aborted, NotLeading, BadAnswer.
   */
  readonly reason: string;
  /** How long the server asked to wait. */
  readonly retryAfterMs: number;

  constructor(message: string, details: { status: number; reason: string; retryAfterMs?: number }) {
    super(message);
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs ?? 0;
  }
}

export const hasReason = (error: unknown, ...reasons: string[]): error is KubeError =>
  error instanceof KubeError && reasons.includes(error.reason);

/** What is not there is nothing, not an error. */
export const orNothing = async <T>(answer: Promise<T>): Promise<T | undefined> => {
  try {
    return await answer;
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

/**
 * The error of a refused request. The server's message may quote values of what was sent (a type
 * error does): of a Secret it is left out.
 */
export const errorOfAnswer = (
  asked: { what: string; kind: string },
  answer: { status: number; retryAfter: string | undefined; body: string },
): KubeError => {
  const parsed = statusIn(answer.body);
  const isStatus = parsed.kind === 'Status';
  // A path that does not exist (no such CRD) is answered in plain text: it is not a missing object.
  const reason = (isStatus ? parsed.reason : undefined) ?? `Http${String(answer.status)}`;
  const said = isStatus && asked.kind !== 'Secret' ? `: ${parsed.message ?? ''}` : '';
  const message = `${asked.what}: ${String(answer.status)} ${reason}${said}`;
  const seconds = Number(answer.retryAfter); // or a date, which the API server never sends
  return new KubeError(message.slice(0, MESSAGE_LIMIT), {
    status: answer.status,
    reason,
    retryAfterMs: Number.isFinite(seconds) ? Math.max(0, seconds * 1_000) : 0,
  });
};
