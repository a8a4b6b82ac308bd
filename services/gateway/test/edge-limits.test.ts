import { connect, type Socket } from 'node:net';

import { problems } from '@movie-ticketing/kit/problems';
import { startServer } from '@movie-ticketing/kit/server';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { startTestSystem, type TestSystem } from '../testing/system.ts';

let system: TestSystem;

beforeAll(async () => {
  system = await startTestSystem();
});
afterAll(async () => {
  await system.stop();
});

/** Everything a server says on a raw connection until it closes it. */
const untilClosed = (socket: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(text);
    });
  });

const talk = (port: number, text: string): { socket: Socket; said: Promise<string> } => {
  const socket = connect(port, '127.0.0.1');
  const said = untilClosed(socket);
  socket.write(text);
  return { socket, said };
};

const portOf = (): number => Number(new URL(system.url).port);

const expectProblem = (said: string, code: keyof typeof problems): void => {
  const { status } = problems[code];
  expect(said).toMatch(new RegExp(`^HTTP/1\\.1 ${String(status)} `));
  expect(said).toMatch(/content-type: application\/problem\+json/i);
  expect(said).toMatch(/x-request-id: /i);
  expect(JSON.parse(said.slice(said.indexOf('\r\n\r\n') + 4))).toMatchObject({ status, code });
};

describe('what is no proper HTTP', () => {
  test.each([
    ['there is no Host', 'GET /ping HTTP/1.1\r\nConnection: close\r\n\r\n', 'invalid_request'],
    ['it asks for a proxy', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'method_not_allowed'],
    ['its method is none', 'FOO /movies HTTP/1.1\r\nHost: x\r\n\r\n', 'invalid_request'],
  ] as const)('when %s, then it is a problem with an id', async (_why, text, code) => {
    expectProblem(await talk(portOf(), text).said, code);
  });

  test('when it expects what we do not know, then it is answered all the same', async () => {
    const { said } = talk(
      portOf(),
      'GET /ping HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nConnection: close\r\n\r\n',
    );
    expect(await said).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('when the headers are over 16 kB, then it is 431', async () => {
    const { said } = talk(
      portOf(),
      `GET /ping HTTP/1.1\r\nHost: x\r\nX-Big: ${'a'.repeat(20_000)}\r\n\r\n`,
    );
    expectProblem(await said, 'headers_too_large');
  });

  test('when the address is over 16 kB, then it is 431', async () => {
    const { said } = talk(
      portOf(),
      `GET /movies?q=${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    expectProblem(await said, 'headers_too_large');
  });

  test.each([
    ['nonsense', 'nonsense\r\n\r\n'],
    [
      'two lengths',
      'POST /users/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    ],
    [
      'a length and chunks',
      'POST /users/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a header with a NUL', 'GET /ping HTTP/1.1\r\nHost: x\r\nX-A: a\u0000b\r\n\r\n'],
  ])('when a request is %s, then it is 400 and the connection ends', async (_what, text) => {
    const { said } = talk(portOf(), text);
    expectProblem(await said, 'invalid_request');
  });

  test('when a path cannot be decoded, then it is 400', async () => {
    for (const path of ['/movies/%', '/movies/%zz', '/bookings/%c0%af']) {
      const { status, body } = await system.api('GET', path, { token: system.admin.token });
      expect([path, status, body.code]).toEqual([path, 400, 'invalid_request']);
    }
  });
});

describe('a body that does not come', () => {
  const start = async (requestTimeoutMs: number) => {
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      requestTimeoutMs,
      listener: (req, res) => {
        req.resume();
        req.once('end', () => res.end('done'));
      },
    });
    return server;
  };
  const slow = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc';

  test('when a client is too slow with its body, then it is dropped with 408', async () => {
    const server = await start(300);
    const { said } = talk(server.port, slow);
    expectProblem(await said, 'request_timeout');
    await server.stop(0);
  });

  test('when a client is too slow with its headers, then it is dropped with 408', async () => {
    const server = await start(300);
    const { said } = talk(server.port, 'GET / HTTP/1.1\r\nHost: x\r\nX-A');
    expectProblem(await said, 'request_timeout');
    await server.stop(0);
  });

  test('when the limit is far, then the same client is waited for', async () => {
    const server = await start(60_000);
    const { socket, said } = talk(server.port, slow);
    socket.write('defghij');
    socket.end();
    expect(await said).toMatch(/^HTTP\/1\.1 200 [\s\S]*done/);
    await server.stop(0);
  });

  test('when a client hangs up in the middle of its body, then the next is answered as ever', async () => {
    const { socket, said } = talk(
      portOf(),
      'POST /users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"email"',
    );
    socket.end();
    await said.catch(() => undefined);
    expect((await system.api('GET', '/ping')).status).toBe(200);
  });
});

describe('stopping', () => {
  test('when a request is in flight, then it is answered before the connection ends', async () => {
    let release: () => void = () => undefined;
    let arrived: () => void = () => undefined;
    const inFlight = new Promise<void>((resolve) => (arrived = resolve));
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      listener: (_req, res) => {
        release = () => res.end('answered all the same');
        arrived();
      },
    });
    const { said } = talk(server.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await inFlight;
    const stopped = server.stop(60_000);
    await expect(untilClosed(connect(server.port, '127.0.0.1'))).rejects.toThrow(/ECONNREFUSED/);
    release();
    expect(await said).toContain('answered all the same');
    await stopped;
  });

  test('when a request never ends, then the stop does not wait for it for ever', async () => {
    let arrived: () => void = () => undefined;
    const inFlight = new Promise<void>((resolve) => (arrived = resolve));
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      listener: () => {
        arrived();
      },
    });
    const { said } = talk(server.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await inFlight;
    const started = performance.now();
    await server.stop(200);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(await said).toBe('');
  });

  test('when a connection idles, then the stop ends it', async () => {
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      listener: (_req, res) => res.end('x'),
    });
    const { socket, said } = talk(server.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    const started = performance.now();
    await server.stop(60_000);
    expect(performance.now() - started).toBeLessThan(5_000);
    await said;
  });
});
