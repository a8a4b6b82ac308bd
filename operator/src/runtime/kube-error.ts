import type { KubeObject } from './kube-object.ts';

/** `reason` is the API server's (NotFound, Conflict, AlreadyExists, Forbidden, Invalid, Expired, ...) or one of ours. */
export type OwnReason = 'Timeout' | 'Unreachable' | 'Aborted' | 'NotLeading' | 'BadAnswer';

/** A request that failed. `status` is 0 where no answer came: its outcome is then unknown. */
export class KubeError extends Error {
  readonly status: number;
  readonly reason: string;
  /** How long the server asked to wait. */
  readonly retryAfterMs: number | undefined;
  /** The request surely had no effect, so even a create may be sent again. */
  readonly neverTaken: boolean;

  constructor(
    message: string,
    details: {
      status: number;
      reason: string;
      retryAfterMs?: number | undefined;
      neverTaken?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'KubeError';
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
    this.neverTaken = details.neverTaken ?? false;
  }
}

export const hasReason = (error: unknown, ...reasons: string[]): error is KubeError =>
  error instanceof KubeError && reasons.includes(error.reason);

const MESSAGE_LIMIT = 1_000;

type Status = { kind?: string; reason?: string; message?: string; code?: number };

const parseStatus = (body: string): Status => {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
};

/**
 * The error of a refused request. The server's message may quote values of what was sent (a type
 * error does): of a Secret it is left out.
 */
export const errorOfAnswer = (
  request: { what: string; kind: KubeObject['kind'] | undefined },
  answer: { status: number; retryAfter: string | undefined; body: string },
): KubeError => {
  const parsed = parseStatus(answer.body);
  const isStatus = parsed.kind === 'Status';
  // A path that does not exist (no such CRD) is answered in plain text: it is not a missing object.
  const reason = (isStatus ? parsed.reason : undefined) ?? `Http${String(answer.status)}`;
  const said = isStatus && request.kind !== 'Secret' ? `: ${parsed.message ?? ''}` : '';
  const seconds = Number(answer.retryAfter);
  return new KubeError(
    `${request.what}: ${String(answer.status)} ${reason}${said}`.slice(0, MESSAGE_LIMIT),
    {
      status: answer.status,
      reason,
      neverTaken: answer.status === 429,
      ...(answer.retryAfter !== undefined && Number.isFinite(seconds)
        ? { retryAfterMs: Math.max(0, seconds * 1_000) }
        : {}),
    },
  );
};
