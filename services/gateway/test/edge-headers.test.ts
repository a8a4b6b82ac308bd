import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { allEndpoints } from '../src/all-endpoints.ts';
import { startTestSystem, type TestSystem } from '../testing/system.ts';

let system: TestSystem;

beforeAll(async () => {
  system = await startTestSystem({
    environment: { CORS_ORIGINS: 'https://tickets.example.com,https://staff.example.com' },
  });
});
afterAll(async () => {
  await system.stop();
});

const reads = Object.values(allEndpoints())
  .flat()
  .filter(({ method, path }) => method === 'get' && !path.includes(':'));

describe('X-Request-Id', () => {
  test('is taken from the request into the response and its problem', async () => {
    const { headers, body } = await system.api('GET', '/nothing', {
      headers: { 'X-Request-Id': 'order-4711.a' },
    });
    expect(headers.get('x-request-id')).toBe('order-4711.a');
    expect(body.instance).toBe('urn:request:order-4711.a');
  });

  test.each([
    ['none', undefined],
    ['one with spaces', 'a b'],
    ['one too long', 'x'.repeat(129)],
    ['one that would forge a log line', '"}{"level":"error'],
    ['an empty one', ''],
  ])('is generated for %s', async (_what, sent) => {
    const { headers } = await system.api('GET', '/ping', {
      headers: sent === undefined ? {} : { 'X-Request-Id': sent },
    });
    expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
  });
});

describe('security headers', () => {
  test.each(['/ping', '/movies', '/nothing', '/openapi.json', '/docs'])(
    'are in the response to %s',
    async (path) => {
      const { headers } = await system.api('GET', path);
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('strict-transport-security')).not.toBeNull();
      expect(headers.get('x-powered-by')).toBeNull();
    },
  );
});

describe('CORS', () => {
  const preflight = (origin: string): Promise<{ status: number; headers: Headers }> =>
    system.api('OPTIONS', '/bookings', {
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,traceparent,if-match',
      },
    });

  test('allows a preflight request from a configured origin', async () => {
    const { status, headers } = await preflight('https://staff.example.com');
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe('https://staff.example.com');
    const allowed = headers.get('access-control-allow-headers')?.split(',');
    for (const name of [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'If-Unmodified-Since',
      'traceparent',
      'tracestate',
    ]) {
      expect(allowed).toContain(name);
    }
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('exposes the response headers to a configured origin', async () => {
    const { headers } = await system.api('GET', '/movies', {
      headers: { Origin: 'https://tickets.example.com' },
    });
    expect(headers.get('access-control-allow-origin')).toBe('https://tickets.example.com');
    expect(headers.get('vary')).toMatch(/Origin/);
    expect(headers.get('access-control-expose-headers')).toMatch(/ETag.*Location.*Retry-After/);
  });

  test('does not allow another origin', async () => {
    const { headers } = await preflight('https://evil.example.com');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('reading', () => {
  const token = ({ access }: (typeof reads)[number]): string | undefined =>
    access === 'public' ? undefined : system.admin.token;

  test.each(reads.map((endpoint) => [endpoint.path, endpoint] as const))(
    'HEAD %s has the headers of GET and no body',
    async (path, endpoint) => {
      const request = { token: token(endpoint) };
      const get = await system.api('GET', path, request);
      const head = await system.api('HEAD', path, request);
      expect([head.status, head.body]).toEqual([200, '']);
      for (const name of ['content-type', 'etag', 'cache-control']) {
        expect(head.headers.get(name)).toBe(get.headers.get(name));
      }
    },
  );

  test.each(reads.map((endpoint) => [endpoint.path, endpoint] as const))(
    'GET %s with its ETag in If-None-Match is 304 without a body',
    async (path, endpoint) => {
      const etag = (await system.api('GET', path, { token: token(endpoint) })).headers.get('etag');
      expect(etag).toMatch(/^"[\w-]+"$/);
      for (const sent of [etag, `"other", ${String(etag)}`, `W/${String(etag)}`, '*']) {
        const again = await system.api('GET', path, {
          token: token(endpoint),
          headers: { 'If-None-Match': String(sent) },
        });
        expect([sent, again.status, again.body]).toEqual([sent, 304, '']);
      }
      const other = await system.api('GET', path, {
        token: token(endpoint),
        headers: { 'If-None-Match': '"other"' },
      });
      expect(other.status).toBe(200);
    },
  );

  test('private reads are not shared by caches, and public reads must be revalidated', async () => {
    const mine = await system.api('GET', '/users/me', { token: system.admin.token });
    expect(mine.headers.get('cache-control')).toMatch(/private/);
    const movies = await system.api('GET', '/movies');
    expect(movies.headers.get('cache-control')).toBe('public, max-age=0, must-revalidate');
  });
});

describe('/ping and /openapi.json', () => {
  test('/ping answers pong', async () => {
    expect((await system.api('GET', '/ping')).body).toEqual({ message: 'pong' });
  });

  test('/openapi.json is OpenAPI 3.1', async () => {
    expect((await system.api('GET', '/openapi.json')).body.openapi).toMatch(/^3\.1\./);
  });
});

describe('the management port', () => {
  test('serves liveness, readiness and metrics by route', async () => {
    await system.api('GET', '/movies/999');
    const read = async (path: string): Promise<[number, string]> => {
      const answer = await fetch(`${system.managementUrl}${path}`);
      return [answer.status, await answer.text()];
    };
    expect(await read('/livez')).toEqual([200, '{"status":"alive"}']);
    expect(await read('/readyz')).toEqual([200, '{"status":"ready"}']);
    const [, metrics] = await read('/metrics');
    expect(metrics).toMatch(
      /http_request_duration_seconds_count\{.*route="\/movies\/:id".*status="404"/,
    );
    expect(metrics).toMatch(/nodejs_eventloop_lag/);
    for (const pool of ['users', 'catalog', 'bookings']) {
      expect(metrics).toContain(`pool="${pool}"`);
    }
  });

  test('counts unknown paths under one label', async () => {
    await system.api('GET', '/movies/%00');
    await system.api('GET', '/wp-admin/one-of-many');
    const metrics = await (await fetch(`${system.managementUrl}/metrics`)).text();
    expect(metrics).not.toContain('wp-admin');
    expect(metrics).toContain('route="unmatched"');
  });
});
