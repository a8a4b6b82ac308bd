import type { RequestListener } from 'node:http';

import type { Registry } from './metrics.ts';
import type { ReadinessCheck } from './readiness.ts';

/**
 * `/livez`, `/readyz` and `/metrics`, on a port of their own that the gateway does not forward to.
 * Liveness does not depend on the database: a restart of this process would not repair it.
 */
export const managementListener = (options: {
  registry: Registry;
  readiness: ReadinessCheck;
  isStopping: () => boolean;
  /** Why only a restart can repair this process; undefined while it is healthy. */
  unhealthyReason?: () => string | undefined;
}): RequestListener => {
  const readyz = async (): Promise<{ status: number; body: object }> => {
    const missing = options.isStopping() ? 'stopping' : await options.readiness();
    return missing === undefined
      ? { status: 200, body: { status: 'ready' } }
      : { status: 503, body: { status: 'not ready', reason: missing } };
  };
  return (req, res) => {
    const json = (status: number, body: object): void => {
      res.writeHead(status, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(body));
    };
    const fail = (): void => {
      json(500, { status: 'failed' });
    };
    const path = req.url?.split('?', 1)[0];
    if (req.method !== 'GET' && req.method !== 'HEAD') json(405, { status: 'method not allowed' });
    else if (path === '/livez') {
      const reason = options.unhealthyReason?.();
      if (reason === undefined) json(200, { status: 'alive' });
      else json(503, { status: 'not alive', reason });
    } else if (path === '/readyz') {
      readyz().then(({ status, body }) => {
        json(status, body);
      }, fail);
    } else if (path === '/metrics') {
      options.registry.metrics().then((text) => {
        res.writeHead(200, { 'Content-Type': options.registry.contentType });
        res.end(text);
      }, fail);
    } else json(404, { status: 'not found' });
  };
};
