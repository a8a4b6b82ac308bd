import http from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';

import { pathOf, type Place } from './kube-object.ts';

export type Request = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  to: Place;
  query?: Record<string, string | undefined>;
  /** JSON unless set. */
  accept?: string | undefined;
  body?: unknown;
  /** JSON unless set. */
  contentType?: string;
};

const JSON_TYPE = 'application/json';

/** Sends one request and resolves with the head of the response. The caller reads the body. */
export type Transport = (request: Request, signal: AbortSignal) => Promise<http.IncomingMessage>;

/**
 * Plain requests with the server, certificates and token of a KubeConfig. Bodies are sent unchanged,
 * because the typed classes of client-node drop fields that they do not know. Connections are kept
 * alive and probed by the kernel. Idle connections do not keep the process running.
 */
export const makeTransport = (kubeConfig: KubeConfig, userAgent: string): Transport => {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig has no current cluster');
  const base = new URL(cluster.server);
  const { Agent, request: start } = base.protocol === 'http:' ? http : https;
  const agent = new Agent({ keepAlive: true, keepAliveMsecs: 30_000 });
  const isProxied = (cluster.proxyUrl ?? '') !== '';

  const optionsFor = async (request: Request, body: string | undefined, signal: AbortSignal) => {
    const options: https.RequestOptions = { method: request.method, signal };
    // For every request, because tokens of service accounts are rotated on disk.
    await kubeConfig.applyToHTTPSOptions(options);
    if (!isProxied) options.agent = agent;
    options.headers = {
      ...(options.headers as http.OutgoingHttpHeaders | undefined),
      accept: request.accept ?? JSON_TYPE,
      'user-agent': userAgent,
      ...(body !== undefined && {
        'content-type': request.contentType ?? JSON_TYPE,
        'content-length': Buffer.byteLength(body), // Node.js omits it for DELETE
      }),
    };
    return options;
  };

  return async (request, signal) => {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const options = await optionsFor(request, body, signal);
    return new Promise((resolve, reject) => {
      const outgoing = start(urlOf(base, request), options, resolve);
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  };
};

const urlOf = (base: URL, { to, query = {} }: Request): URL => {
  const url = new URL(base.pathname.replace(/\/$/, '') + pathOf(to), base);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, value);
  return url;
};
