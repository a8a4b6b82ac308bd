import { afterAll, beforeAll, beforeEach, describe, expect } from '@jest/globals';

import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { allEndpoints } from '../src/all-endpoints.ts';
import { makeRouteTable } from '../src/route-table.ts';
import { nginxImage, startNginxGateway, type NginxGateway } from '../testing/nginx-container.ts';
import type { Stub } from '../testing/stub-services.ts';

const docker = await probeDocker(nginxImage);
const testOnNginx = testIf(docker.usable, docker.usable ? '' : docker.why);

let gateway: NginxGateway;
beforeAll(async () => {
  if (docker.usable) gateway = await startNginxGateway(docker);
}, 300_000);
afterAll(async () => {
  if (docker.usable) await gateway.stop();
});

/** As a service answers a public read; the body says when, and which answer it is. */
const publicRead = 'public, max-age=0, must-revalidate';
const stamped =
  (headers: Record<string, string> = {}, status = 200): Stub['respond'] =>
  (_received, res) => {
    const number = gateway.stub.received.length;
    res.statusCode = status;
    res.setHeaders(new Headers({ 'Cache-Control': publicRead, ETag: `"${String(number)}"` }));
    res.setHeaders(new Headers(headers));
    res.end(JSON.stringify({ at: Date.now(), number }));
  };

beforeEach(() => {
  if (!docker.usable) return;
  gateway.stub.received.length = 0;
  gateway.stub.hangUps = 0;
  gateway.stub.respond = stamped();
});

/** A URL that no earlier test has requested. */
let addresses = 0;
const newAddress = (path = '/movies'): string => `${path}?new=${String((addresses += 1))}`;

type Ask = { path: string; method?: string; headers?: Record<string, string> };
const ask = ({ path, method = 'GET', headers = {} }: Ask): Promise<Response> =>
  fetch(gateway.url + path, { method, headers });

/** Asks until no service hears of it. */
const askUntilCached = async (request: Ask): Promise<Response> => {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    const before = gateway.stub.received.length;
    const answer = await ask(request);
    if (gateway.stub.received.length === before) return answer;
    await answer.arrayBuffer();
  }
  throw new Error('the gateway has never answered by itself');
};

/** How many of so many requests, all within one moment, came to a service. */
const countForwarded = async (request: Ask, requests = 30): Promise<number> => {
  const before = gateway.stub.received.length;
  for (let sent = 0; sent < requests; sent += 1) await (await ask(request)).arrayBuffer();
  return gateway.stub.received.length - before;
};

const routes = makeRouteTable(allEndpoints());
const reads = routes.filter(({ method, service }) => method === 'GET' && service !== 'gateway');
const example = (path: string): string => path.replaceAll(/:\w+/g, '17');

describe('the cache of public reads', () => {
  testOnNginx('answers a frequent public read', async () => {
    const shared = reads.filter((route) => route.shared);
    expect(shared.length).toBeGreaterThan(0);
    for (const { path } of shared) {
      const answer = await askUntilCached({ path: newAddress(example(path)) });
      expect(answer.headers.get('cache-control')).toBe(publicRead);
    }
  });

  testOnNginx('does not store private reads, whatever their headers say', async () => {
    const personal = reads.filter((route) => !route.shared);
    expect(personal.map(({ path }) => path)).toContain('/users/me');
    gateway.stub.respond = stamped({ 'X-Accel-Expires': '60' });
    for (const { path } of personal) {
      expect([path, await countForwarded({ path: example(path) })]).toEqual([path, 30]);
    }
  });

  testOnNginx('does not store a response marked private', async () => {
    const others: Record<string, string>[] = [
      { 'Cache-Control': 'private, no-cache', 'X-Accel-Expires': '60' },
      { 'Cache-Control': 'no-store' },
      { 'Cache-Control': 'max-age=60' },
      { 'Cache-Control': '' },
      { 'Set-Cookie': 'a=b' },
    ];
    for (const headers of others) {
      gateway.stub.respond = stamped(headers);
      expect([headers, await countForwarded({ path: newAddress() })]).toEqual([headers, 30]);
    }
  });

  testOnNginx('does not store an error', async () => {
    for (const status of [301, 400, 404, 429, 500, 503]) {
      gateway.stub.respond = stamped({}, status);
      expect([status, await countForwarded({ path: newAddress() })]).toEqual([status, 30]);
    }
  });

  testOnNginx('does not store a long response', async () => {
    for (const [bytes, kept] of [
      [49_999, true],
      [50_000, false],
    ] as const) {
      const path = newAddress();
      gateway.stub.respond = (_received, res) => {
        res.setHeader('Cache-Control', publicRead);
        res.end('a'.repeat(bytes));
      };
      expect([bytes, (await countForwarded({ path })) < 30]).toEqual([bytes, kept]);
    }
  });

  testOnNginx('distinguishes URLs that differ in one letter', async () => {
    gateway.stub.respond = ({ url }, res) => {
      res.setHeader('Cache-Control', publicRead);
      res.end(url);
    };
    for (const path of ['/movies', '/movies?', '/movies?q=a', '/movies?q=%61', '/theaters']) {
      expect(await (await askUntilCached({ path })).text()).toBe(path);
    }
  });
});

describe('who asks', () => {
  const person = {
    Authorization: 'Bearer abc',
    Cookie: 'a=b',
    'X-Request-Id': 'of-the-person',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };

  testOnNginx('forwards a public read without credentials', async () => {
    for (const [path, authorization] of [
      [newAddress(), undefined],
      ['/bookings', 'Bearer abc'],
    ] as const) {
      await ask({ path, headers: person });
      const { headers } = gateway.stub.received.at(-1)!;
      expect([path, headers.authorization]).toEqual([path, authorization]);
      expect([path, headers.cookie]).toEqual([path, authorization && 'a=b']);
      expect(headers['x-request-id']).toBe('of-the-person');
      expect(headers['traceparent']).toBe(person.traceparent);
    }
  });

  testOnNginx('returns the id of the request, not of the one that filled the cache', async () => {
    const path = newAddress();
    await countForwarded({ path, headers: person });
    const answer = await askUntilCached({ path, headers: { 'X-Request-Id': 'mine' } });
    expect(answer.headers.get('x-request-id')).toBe('mine');
    const unnamed = await askUntilCached({ path });
    expect(unnamed.headers.get('x-request-id')).toMatch(/^[\da-f]{32}$/);
  });

  testOnNginx('logs the request’s own id and the cache status', async () => {
    const path = newAddress();
    await askUntilCached({ path, headers: { 'X-Request-Id': 'a-hit' } });
    await ask({ path: newAddress(), headers: { 'X-Request-Id': 'a-miss' } });
    const lines = (): Record<string, unknown>[] =>
      gateway
        .written()
        .split('\n')
        .filter((line) => line.startsWith('{"level"') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const logged = (id: string, from: string) =>
      lines().find(({ request_id, cache }) => request_id === id && cache === from);
    const found = () => [logged('a-hit', 'HIT'), logged('a-miss', 'MISS')];
    const deadline = Date.now() + 20_000;
    // Asking on: a worker writes its lines once it has enough of them, or a second has passed.
    while (found().includes(undefined) && Date.now() < deadline) await ask({ path });
    expect(found()).toMatchObject([
      { upstream_status: '', status: 200, route: '/movies' },
      { upstream_status: '200', status: 200, route: '/movies' },
    ]);
  });

  testOnNginx('answers each origin with its own CORS headers', async () => {
    gateway.stub.respond = ({ headers }, res) => {
      res.setHeaders(new Headers({ 'Cache-Control': publicRead, Vary: 'Origin' }));
      res.setHeader('Access-Control-Allow-Origin', headers.origin ?? 'none');
      res.end('{}');
    };
    const path = newAddress();
    for (const origin of ['https://a.example.com', 'https://b.example.com']) {
      const answer = await askUntilCached({ path, headers: { Origin: origin } });
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    }
    const answer = await askUntilCached({ path });
    expect(answer.headers.get('access-control-allow-origin')).toBe('none');
  });
});

describe('conditions', () => {
  testOnNginx('answers 304 without a body if If-None-Match names the stored response', async () => {
    gateway.stub.respond = stamped({ ETag: '"same"' });
    const path = newAddress();
    for (const named of ['"same"', 'W/"same"', '"other", "same"', '*']) {
      const answer = await askUntilCached({ path, headers: { 'If-None-Match': named } });
      expect([named, answer.status, await answer.text()]).toEqual([named, 304, '']);
      expect(answer.headers.get('etag')).toBe('"same"');
      expect(answer.headers.get('cache-control')).toBe(publicRead);
    }
    const other = await askUntilCached({ path, headers: { 'If-None-Match': '"other"' } });
    expect(other.status).toBe(200);
  });

  testOnNginx('forwards If-None-Match if nothing is stored', async () => {
    gateway.stub.respond = stamped({}, 304);
    const headers = { 'If-None-Match': '"a"' };
    expect((await ask({ path: newAddress(), headers })).status).toBe(304);
    expect(gateway.stub.received[0]!.headers['if-none-match']).toBe('"a"');
  });

  testOnNginx('is not used for other conditional requests', async () => {
    // nginx would answer 412 to the first two, and 304 to a date that is none.
    for (const name of ['If-Match', 'If-Unmodified-Since', 'If-Modified-Since']) {
      const request = { path: newAddress(), headers: { [name]: 'never' } };
      expect([name, await countForwarded(request)]).toEqual([name, 30]);
      expect((await ask(request)).status).toBe(200);
    }
  });

  testOnNginx('answers HEAD with the headers of GET', async () => {
    const path = newAddress();
    gateway.stub.respond = ({ method }, res) => {
      res.setHeaders(new Headers({ 'Cache-Control': publicRead, ETag: '"a"' }));
      res.end(method);
    };
    const head = await askUntilCached({ path, method: 'HEAD' });
    expect(await head.text()).toBe('');
    expect(head.headers.get('content-length')).toBe('3');
    const get = await askUntilCached({ path });
    expect([await get.text(), get.headers.get('etag')]).toEqual(['GET', '"a"']);
    expect(head.headers.get('etag')).toBe('"a"');
  });
});

describe('a service that has gone', () => {
  testOnNginx('does not answer from an earlier half second', async () => {
    const path = newAddress();
    await askUntilCached({ path });
    gateway.stub.hangUps = Number.POSITIVE_INFINITY;
    const gone = Date.now();
    let status = 200;
    for (let asked = gone; status === 200 && asked < gone + 20_000; asked = Date.now()) {
      const answer = await ask({ path });
      ({ status } = answer);
      const { at } = (await answer.json()) as { at?: number };
      if (status === 200) expect(asked - (at ?? 0)).toBeLessThan(750);
    }
    expect(status).toBe(503);
  });
});
