import type { KubeConfig } from '@kubernetes/client-node';
import { makeCounter, type Registry } from '@movie-ticketing/kit/metrics';

import { pause, retryDelay } from './backoff.ts';
import { errorOfAnswer, KubeError } from './kube-error.ts';
import { pathOf } from './kube-object.ts';
import { makeTransport, type Request, type Transport } from './transport.ts';

export type CallOptions = {
  /** Of one attempt, its answer read. */
  timeoutMs?: number;
  /** At most, the first included. */
  attempts?: number;
  signal?: AbortSignal;
  /** Asked before every attempt: a write that may no longer start fails with NotLeading. */
  mayStart?: () => boolean;
};

/** Every one throws KubeError. */
export type Requests = {
  /**
   * The JSON object that answers. Asks again after 429 (the server's Retry-After heeded), and after
   * 5xx or no answer where repeating changes nothing: anything but a POST.
   */
  ask<T>(request: Request, call?: CallOptions): Promise<T>;
  /** The body of one answer as it comes. */
  read(request: Request, signal: AbortSignal): AsyncGenerator<string, void, undefined>;
};

const DEFAULTS = { timeoutMs: 15_000, attempts: 5 };
const BACKOFF = { baseMs: 100, capMs: 5_000 };

export const makeRequests = (options: {
  kubeConfig: KubeConfig;
  userAgent: string;
  registry: Registry;
}): Requests => {
  const transport = makeTransport(options.kubeConfig, options.userAgent);
  const requests = makeCounter(
    options.registry,
    'rest_client_requests_total',
    'Requests to the API server by their method and the status of the answer',
    ['code', 'method'],
  );

  const send: Transport = async (request, signal) => {
    let code = '<error>';
    try {
      const answer = await transport(request, signal);
      code = String(answer.statusCode);
      return answer;
    } finally {
      requests.inc({ method: request.method, code });
    }
  };

  const read: Requests['read'] = async function* (request, signal) {
    try {
      const answer = (await send(request, signal)).setEncoding('utf8');
      const { statusCode: status = 0, headers } = answer;
      if (status < 200 || status >= 300) {
        const refused = { status, retryAfter: headers['retry-after'], body: await whole(answer) };
        throw errorOfAnswer({ what: inWords(request), kind: request.to.kind }, refused);
      }
      yield* answer as AsyncIterable<string>;
    } catch (error) {
      throw error instanceof KubeError ? error : noAnswer(request, error, signal);
    }
  };

  const ask: Requests['ask'] = <T>(request: Request, call: CallOptions = {}) =>
    withRetries(request.method, call, async (signal) => {
      const body = await whole(read(request, signal));
      try {
        return JSON.parse(body) as T;
      } catch {
        // The body is not quoted: it may be a Secret.
        const message = `${inWords(request)}: not JSON`;
        throw new KubeError(message, { status: 0, reason: 'BadAnswer' });
      }
    });

  return { ask, read };
};

const withRetries = async <T>(
  method: Request['method'],
  call: CallOptions,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const { timeoutMs, attempts } = { ...DEFAULTS, ...call };
  const stop = call.signal ?? new AbortController().signal;
  for (let failures = 0; ; failures += 1) {
    if (call.mayStart?.() === false)
      throw new KubeError('not leading any more', { status: 0, reason: 'NotLeading' });
    try {
      return await attempt(AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]));
    } catch (error) {
      if (!(error instanceof KubeError) || failures + 1 >= attempts) throw error;
      if (!isWorthAnother(error, method)) throw error;
      await pause(retryDelay(error, failures, BACKOFF), stop);
    }
  }
};

/** What got 429 had no effect. After another failure that is unknown. */
const isWorthAnother = ({ status, reason }: KubeError, method: Request['method']): boolean =>
  status === 429 || (method !== 'POST' && reason !== 'Aborted' && (status === 0 || status >= 500));

const whole = async (parts: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const part of parts) text += part;
  return text;
};

const inWords = ({ method, to }: Request): string => `${method} ${pathOf(to)}`;

/** Why there is no answer, or no rest of one. */
const noAnswer = (
  request: Request,
  error: unknown,
  { aborted, reason }: AbortSignal,
): KubeError => {
  const { code, message } = error as NodeJS.ErrnoException;
  const told = (why: string, name: string): KubeError =>
    new KubeError(`${inWords(request)}: ${why}`, { status: 0, reason: name });
  if (!aborted) return told(code ?? message, 'Unreachable');
  const isLate = (reason as Error).name === 'TimeoutError';
  return isLate ? told('timed out', 'Timeout') : told('aborted', 'Aborted');
};
