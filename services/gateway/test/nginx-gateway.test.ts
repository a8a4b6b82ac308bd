import { connect } from 'node:net';

import { afterAll, beforeAll, beforeEach, describe, expect } from '@jest/globals';

import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { allEndpoints } from '../src/all-endpoints.ts';
import { makeRouteTable } from '../src/route-table.ts';
import { nginxImage, startNginxGateway, type NginxGateway } from '../testing/nginx-container.ts';

const docker = await probeDocker(nginxImage);
const testOnNginx = testIf(docker.usable, docker.usable ? '' : docker.why);

let gateway: NginxGateway;
beforeAll(async () => {
  if (docker.usable) gateway = await startNginxGateway(docker);
}, 300_000);
afterAll(async () => {
  if (docker.usable) await gateway.stop();
});
beforeEach(() => {
  if (!docker.usable) return;
  gateway.stub.received.length = 0;
  gateway.stub.hangUps = 0;
});

const routes = makeRouteTable(allEndpoints());
const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
  fetch(gateway.url + path, { method, headers, ...(body === undefined ? {} : { body }) });

/** Sends bytes that no HTTP client would send. */
const sendRaw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url);
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(answer);
    });
  });

const expectProblem = async (answer: Response, status: number, code: string): Promise<void> => {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const id = answer.headers.get('x-request-id');
  expect(await answer.json()).toMatchObject({
    status,
    code,
    instance: `urn:request:${String(id)}`,
  });
};

describe('a forwarded request', () => {
  testOnNginx('forwards every route to its service unchanged', async () => {
    for (const { service, method, path, shared } of routes.filter(
      (route) => route.service !== 'gateway',
    )) {
      gateway.stub.received.length = 0;
      const url = `${path.replaceAll(/:\w+/g, '1%20a')}?q=%41+b&q=2`;
      const answer = await ask(method, url, { Authorization: 'Bearer abc' });
      expect({ path, status: answer.status, service: await answer.text() }).toEqual({
        path,
        status: 200,
        service,
      });
      // A public read is forwarded without credentials: see nginx-read-cache.test.ts.
      const authorization = shared ? {} : { authorization: 'Bearer abc' };
      expect(gateway.stub.received).toMatchObject([
        { service, method, url, headers: authorization },
      ]);
    }
  });

  testOnNginx('forwards the request id and the trace, but not a forged address', async () => {
    await ask('GET', '/movies', {
      'X-Request-Id': 'mine:1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'X-Forwarded-For': '203.0.113.9',
    });
    const { headers } = gateway.stub.received[0]!;
    expect(headers['x-request-id']).toBe('mine:1');
    expect(headers['traceparent']).toContain('0af7651916cd43dd8448eb211c80319c');
    expect(headers['x-forwarded-for']).toMatch(/^[\d.]+$/);
    expect(headers['x-forwarded-for']).not.toBe('203.0.113.9');
  });

  testOnNginx('generates an id in place of an invalid one', async () => {
    for (const id of ['a b', 'x'.repeat(129), '"}{"']) {
      const answer = await ask('GET', '/movies', { 'X-Request-Id': id });
      expect(answer.headers.get('x-request-id')).toMatch(/^[\da-f]{32}$/);
    }
  });
});

describe('a request that is not forwarded', () => {
  testOnNginx('is 404 for a path without a route', async () => {
    const paths = [
      '/',
      '/metrics',
      '/livez',
      '/readyz',
      '/movies/',
      '/Movies',
      '/movies/1/2',
      '//movies',
      '/-/forward',
      '/-/problem/not_found',
      '/docs/nginx.conf',
    ];
    for (const path of paths) await expectProblem(await ask('GET', path), 404, 'not_found');
    await expectProblem(await ask('POST', '/nothing', {}, 'a'.repeat(200_000)), 404, 'not_found');
    expect(gateway.stub.received).toEqual([]);
  });

  testOnNginx('is 413 for a body over 100 kB', async () => {
    await expectProblem(
      await ask('POST', '/bookings', {}, 'a'.repeat(102_401)),
      413,
      'payload_too_large',
    );
    expect(gateway.stub.received).toEqual([]);
    expect((await ask('POST', '/bookings', {}, 'a'.repeat(102_400))).status).toBe(200);
  });

  testOnNginx(
    'may have a larger body where its endpoint allows it, and is not retried',
    async () => {
      const path = '/theaters/1/seat-plan';
      await expectProblem(
        await ask('PUT', path, {}, 'a'.repeat(4_000_001)),
        413,
        'payload_too_large',
      );
      expect(gateway.stub.received).toEqual([]);
      expect((await ask('PUT', path, {}, 'a'.repeat(4_000_000))).status).toBe(200);
      gateway.stub.received.length = 0;
      gateway.stub.hangUps = 1;
      expect((await ask('PUT', path, {}, '{}')).status).toBeGreaterThanOrEqual(500);
      expect(gateway.stub.received).toHaveLength(1);
    },
  );

  testOnNginx('rejects a header over 8 kB with 431 and a URI over 8 kB with 414', async () => {
    await expectProblem(
      await ask('GET', '/movies', { 'X-Long': 'a'.repeat(9_000) }),
      431,
      'headers_too_large',
    );
    await expectProblem(await ask('GET', `/movies?q=${'a'.repeat(9_000)}`), 414, 'uri_too_long');
  });

  testOnNginx('answers malformed HTTP with a problem', async () => {
    for (const [text, status, code] of [
      ['GARBAGE\r\n\r\n', 400, 'invalid_request'],
      ['GET /movies HTTP/9.9\r\nHost: a\r\n\r\n', 505, 'http_version_not_supported'],
      ['GET /movies HTTP/2.0\r\nHost: a\r\n\r\n', 505, 'http_version_not_supported'],
      ['GET /movies HTTP/1.1\r\n\r\n', 400, 'invalid_request'],
      ['GET /movies HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400, 'invalid_request'],
      [
        'POST /bookings HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        400,
        'invalid_request',
      ],
      [
        'POST /bookings HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n',
        501,
        'not_implemented',
      ],
    ] as const) {
      const answer = await sendRaw(text);
      expect([text, answer.split(' ', 2)[1]]).toEqual([text, String(status)]);
      expect(answer).toContain(`"code":"${code}"`);
    }
    expect(gateway.stub.received).toEqual([]);
  });
});

describe('the responses of the gateway itself', () => {
  testOnNginx('equal those of the one-process server', async () => {
    for (const { path, contentType, headers, body } of gateway.own.answers) {
      const answer = await ask('GET', path);
      expect(answer.headers.get('content-type')).toBe(contentType);
      expect(Object.fromEntries(answer.headers)).toMatchObject(headers);
      expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
      const etag = answer.headers.get('etag') ?? '';
      expect((await ask('GET', path, { 'If-None-Match': etag })).status).toBe(304);
      expect((await ask('HEAD', path)).headers.get('content-length')).toBe(String(body.length));
    }
  });

  testOnNginx('are 405 with Allow for another method', async () => {
    for (const method of ['POST', 'DELETE', 'PUT']) {
      const answer = await ask(method, '/ping');
      expect(answer.headers.get('allow')).toBe('GET, HEAD');
      await expectProblem(answer, 405, 'method_not_allowed');
    }
    await expectProblem(await ask('GET', '/ping?a=1'), 400, 'invalid_request');
  });
});

describe('a service that closes the connection', () => {
  const key = { 'Idempotency-Key': 'k1' };

  testOnNginx('gets a read, or a write with its key, once more', async () => {
    for (const [method, path, headers] of [
      ['GET', '/movies', {}],
      ['POST', '/bookings', key],
      ['POST', '/bookings/1/cancel', key],
    ] as const) {
      gateway.stub.received.length = 0;
      gateway.stub.hangUps = 1;
      expect((await ask(method, path, headers)).status).toBe(200);
      expect(gateway.stub.received).toHaveLength(2);
    }
  });

  testOnNginx('gets a write without a key once, and the client gets 503', async () => {
    for (const [method, path, headers] of [
      ['POST', '/bookings', {}],
      ['POST', '/users/login', key],
      ['PATCH', '/movies/1', key],
      ['DELETE', '/movies/1', key],
    ] as const) {
      gateway.stub.received.length = 0;
      gateway.stub.hangUps = 1;
      const answer = await ask(method, path, headers);
      expect(answer.headers.get('retry-after')).toBe('1');
      await expectProblem(answer, 503, 'unavailable');
      expect(gateway.stub.received).toHaveLength(1);
    }
  });
});

describe('a rate limit', () => {
  testOnNginx(
    'answers 429 with Retry-After over the limit',
    async () => {
      const limited = await startNginxGateway({
        reaperImage: docker.usable && docker.reaperImage,
        environment: { RATE_LIMIT: '1' },
      });
      try {
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => fetch(`${limited.url}/ping`)),
        );
        const refused = answers.filter(({ status }) => status === 429);
        expect(refused.length).toBeGreaterThan(10);
        expect(answers.length - refused.length).toBeGreaterThan(0);
        expect(refused[0]!.headers.get('retry-after')).toBe('1');
        await expectProblem(refused[0]!, 429, 'too_many_requests');
      } finally {
        await limited.stop();
      }
    },
    60_000,
  );
});
