import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';

import { KubeError } from './kube-error.ts';

export type Outgoing = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | undefined>;
  body?: unknown;
  contentType?: string;
  signal: AbortSignal;
};

/** Sends one request and resolves with the head of its answer; the caller reads the body. */
export type Transport = {
  send(outgoing: Outgoing): Promise<IncomingMessage>;
  close(): void;
};

/**
 * Plain requests with a KubeConfig's server, certificates and token. Bodies go as they are: the
 * typed classes of client-node drop fields that they do not know. Connections are kept open and
 * probed by the kernel.
 */
export const makeTransport = (kubeConfig: KubeConfig, userAgent: string): Transport => {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) throw new Error('the kube configuration names no current cluster');
  const base = new URL(cluster.server);
  const isPlain = base.protocol === 'http:';
  const settings = { keepAlive: true, keepAliveMsecs: 30_000 };
  const own = isPlain ? new HttpAgent(settings) : new HttpsAgent(settings);

  const optionsFor = async (
    outgoing: Outgoing,
    body: string | undefined,
  ): Promise<RequestOptions> => {
    const options: RequestOptions = {};
    // Each time anew: tokens of service accounts are rotated on disk.
    await kubeConfig.applyToHTTPSOptions(options);
    if (cluster.proxyUrl === undefined || cluster.proxyUrl === '') options.agent = own;
    options.method = outgoing.method;
    options.signal = outgoing.signal;
    options.headers = {
      ...(options.headers as Record<string, string> | undefined),
      accept: 'application/json',
      'user-agent': userAgent,
      ...(body === undefined
        ? {}
        : {
            'content-type': outgoing.contentType ?? 'application/json',
            'content-length': Buffer.byteLength(body),
          }),
    };
    return options;
  };

  return {
    send: async (outgoing) => {
      const body = outgoing.body === undefined ? undefined : JSON.stringify(outgoing.body);
      const options = await optionsFor(outgoing, body);
      return new Promise((resolve, reject) => {
        const start = isPlain ? httpRequest : httpsRequest;
        const request = start(urlOf(base, outgoing), options, resolve);
        request.on('error', (error: NodeJS.ErrnoException) => {
          reject(noAnswer(outgoing, error, request.reusedSocket));
        });
        request.end(body);
      });
    },
    close: () => {
      own.destroy();
    },
  };
};

const urlOf = (base: URL, { path, query }: Outgoing): URL => {
  const url = new URL(base.pathname.replace(/\/$/, '') + path, base);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
};

/** Why there is no answer, or no rest of one. */
export const noAnswer = (
  { method, path, signal }: Outgoing,
  error: NodeJS.ErrnoException,
  reusedSocket = false,
): KubeError => {
  const what = `${method} ${path}`;
  if (signal.aborted) {
    const isLate = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
    const reason = isLate ? 'Timeout' : 'Aborted';
    return new KubeError(`${what}: ${isLate ? 'timed out' : 'aborted'}`, { status: 0, reason });
  }
  // A connection that the server closed while it idled took nothing (Node's advice on reusedSocket).
  const neverTaken = error.code === 'ECONNREFUSED' || (reusedSocket && error.code === 'ECONNRESET');
  const code = error.code ?? error.message;
  return new KubeError(`${what}: ${code}`, { status: 0, reason: 'Unreachable', neverTaken });
};
