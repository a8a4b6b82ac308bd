import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { parseEnvironment } from '../src/config.ts';
import { startTracing, tracingEnvironment } from '../src/tracing.ts';
import { Registry } from '../src/metrics.ts';
import { serve } from '../src/service-process.ts';
import { silentLogger } from '../testing/api.ts';

type Received = { path: string; body: string };

const received: Received[] = [];
let collector: Server;
let endpoint: string;

beforeAll(async () => {
  collector = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      received.push({ path: req.url ?? '', body });
      res.writeHead(200, { 'Content-Type': 'application/json' });
      res.end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${String((collector.address() as AddressInfo).port)}`;
});
afterAll(() => {
  collector.closeAllConnections();
  collector.close();
});

test('does not trace without a collector', async () => {
  expect(await startTracing(parseEnvironment(tracingEnvironment, {}), 'test')).toBeUndefined();
});

test('exports a span in the trace of the request', async () => {
  const env = parseEnvironment(tracingEnvironment, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
  const tracing = await startTracing(env, 'test');
  const running = await serve({
    services: [],
    environment: {
      HOST: '127.0.0.1',
      PORT: 0,
      MANAGEMENT_PORT: 0,
      CORS_ORIGINS: [],
      TRUST_PROXY: 0,
    },
    logger: silentLogger,
    registry: new Registry(),
    tracing,
  });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  await fetch(`http://127.0.0.1:${String(running.port)}/nowhere`, {
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  });
  await running.stop(); // flushes
  const [batch] = received;
  expect(batch?.path).toBe('/v1/traces');
  const spans = (
    JSON.parse(batch?.body ?? '{}') as {
      resourceSpans: { scopeSpans: { spans: { traceId: string; name: string }[] }[] }[];
    }
  ).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((it) => it.spans));
  expect(spans).toMatchObject([{ traceId, name: 'GET unmatched' }]);
});
