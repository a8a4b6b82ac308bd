import type { RequestListener } from 'node:http';
import { managementListener } from '@movie-ticketing/kit/management';
import type { Registry } from '@movie-ticketing/kit/metrics';
import type { ReadinessCheck } from '@movie-ticketing/kit/readiness';

/**
 * `/livez`, `/readyz`, `/metrics`. A replica that waits to lead is healthy and ready: else a roll-out
 * would never end.
 */
export const healthListener = (options: {
  registry: Registry;
  readiness: ReadinessCheck;
  isStopping: () => boolean;
  /** What only a restart would heal, in words. */
  ailment: () => string | undefined;
}): RequestListener => {
  const management = managementListener(options);
  return (req, res) => {
    const ailment = req.url?.split('?', 1)[0] === '/livez' ? options.ailment() : undefined;
    if (ailment === undefined) {
      management(req, res);
      return;
    }
    res.writeHead(503, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify({ status: 'not healthy', reason: ailment }));
  };
};
