import type { KubeConfig } from '@kubernetes/client-node';
import { makeCounter, type Registry } from '@movie-ticketing/kit/metrics';

import { pause, retryDelay } from './backoff.ts';
import { errorFromResponse, KubeError } from './kube-error.ts';
import { pathOf } from './kube-object.ts';
import { makeTransport, type Request, type Transport } from './transport.ts';

export type CallOptions = {
  /** Time limit of one attempt, including the body of the response. */
  timeoutMs?: number;
  /** Most attempts, the first included. */
  attempts?: number;
  signal?: AbortSignal;
  /** Called before every attempt. The request fails with NotLeading where it returns false. */
  mayStart?: () => boolean;
};

/** Every call throws KubeError. */
export type Requests = {
  /**
   * Resolves with the JSON body of the response. Retries after 429 (honoring Retry-After), and after
   * 5xx or without a response if the request is not a POST, because repeating it is harmless.
   */
  send<T>(request: Request, call?: CallOptions): Promise<T>;
  /** Streams the body of one response. */
  read(request: Request, signal: AbortSignal): AsyncGenerator<string, void, undefined>;
};

const DEFAULTS = { timeoutMs: 15_000, attempts: 5 };
const BACKOFF = { baseMs: 100, capMs: 5_000 };

export const makeRequests = (options: {
  kubeConfig: KubeConfig;
  userAgent: string;
  registry: Registry;
}): Requests => {
  const sendCounted = countRequests(
    makeTransport(options.kubeConfig, options.userAgent),
    options.registry,
  );

  const read: Requests['read'] = async function* (request, signal) {
    try {
      const incoming = (await sendCounted(request, signal)).setEncoding('utf8');
      const { statusCode: status = 0, headers } = incoming;
      if (status < 200 || status >= 300) {
        const response = {
          status,
          retryAfter: headers['retry-after'],
          body: await textOf(incoming),
        };
        throw errorFromResponse(
          { description: describe(request), kind: request.to.kind },
          response,
        );
      }
      yield* incoming as AsyncIterable<string>;
    } catch (error) {
      throw error instanceof KubeError ? error : noResponse(request, error, signal);
    }
  };

  const send: Requests['send'] = <T>(request: Request, call: CallOptions = {}) =>
    withRetries(request.method, call, async (signal) => {
      const body = await textOf(read(request, signal));
      try {
        return JSON.parse(body) as T;
      } catch {
        // The body is not quoted, because it may be a Secret.
        const message = `${describe(request)}: invalid JSON`;
        throw new KubeError(message, { status: 0, reason: 'InvalidResponse' });
      }
    });

  return { send, read };
};

const countRequests = (transport: Transport, registry: Registry): Transport => {
  const requests = makeCounter(
    registry,
    'rest_client_requests_total',
    'Requests to the API server by method and status of the response',
    ['code', 'method'],
  );
  return async (request, signal) => {
    let code = '<error>';
    try {
      const response = await transport(request, signal);
      code = String(response.statusCode);
      return response;
    } finally {
      requests.inc({ method: request.method, code });
    }
  };
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
      throw new KubeError('this process is not the leader', { status: 0, reason: 'NotLeading' });
    try {
      return await attempt(AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]));
    } catch (error) {
      if (!(error instanceof KubeError) || failures + 1 >= attempts) throw error;
      if (!isRetryable(error, method)) throw error;
      await pause(retryDelay(error, failures, BACKOFF), stop);
    }
  }
};

/** A request that got 429 had no effect. After any other failure the outcome is unknown. */
const isRetryable = ({ status, reason }: KubeError, method: Request['method']): boolean =>
  status === 429 || (method !== 'POST' && reason !== 'Aborted' && (status === 0 || status >= 500));

const textOf = async (parts: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const part of parts) text += part;
  return text;
};

const describe = ({ method, to }: Request): string => `${method} ${pathOf(to)}`;

/** The error of a request without a response, or with an incomplete one. */
const noResponse = (
  request: Request,
  error: unknown,
  { aborted, reason }: AbortSignal,
): KubeError => {
  const { code, message } = error as NodeJS.ErrnoException;
  const failed = (detail: string, name: string): KubeError =>
    new KubeError(`${describe(request)}: ${detail}`, { status: 0, reason: name });
  if (!aborted) return failed(code ?? message, 'Unreachable');
  const isTimeout = (reason as Error).name === 'TimeoutError';
  return isTimeout ? failed('timed out', 'Timeout') : failed('aborted', 'Aborted');
};
