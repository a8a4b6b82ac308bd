import type { RequestListener } from 'node:http';
import { createServer, type Socket } from 'node:net';

import { afterEach, describe, expect, test } from '@jest/globals';

import { Problem } from '../src/problems.ts';
import { readBody } from '../src/request-body.ts';
import { sendProblem, writeResponse } from '../src/response.ts';
import { startServer, type ConnectionLimits, type RunningServer } from '../src/server.ts';
import type { Refusal } from '../src/socket-refusal.ts';
import { openRaw, statusesIn } from '../testing/raw-http.ts';

const info = { requestId: 'test', address: '127.0.0.1', headers: [] };

/** Reads the body as the application does, and answers with its length or the problem. */
const echo: RequestListener = (req, res) => {
  readBody(req, res).then(
    (body) => {
      writeResponse(res, 200, [], JSON.stringify(body ?? null));
    },
    (error: unknown) => {
      sendProblem(res, info, error as Problem);
    },
  );
};

const quick = { headersMs: 300, requestMs: 300, idleMs: 300, graceMs: 100 };

const servers: RunningServer[] = [];
const start = async (
  listener: RequestListener,
  limits: Partial<ConnectionLimits>,
  onRefused?: (refusal: Refusal) => void,
): Promise<RunningServer> => {
  const server = await startServer({
    listener,
    host: '127.0.0.1',
    port: 0,
    limits,
    ...(onRefused === undefined ? {} : { onRefused }),
  });
  servers.push(server);
  return server;
};
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(0)));
});

const post = (length: number, body: string, more = ''): string =>
  `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${String(length)}\r\n${more}\r\n${body}`;
const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

describe('a client that keeps its side open', () => {
  test.each([
    ['sends nothing', '', 408],
    ['sends one byte', 'G', 408],
    ['stops in the headers', 'GET / HTTP/1.1\r\nHost: x\r\nX-A', 408],
    ['stops in the body', post(10, '{"a"'), 408],
    [
      'stops in a chunked body',
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"',
      408,
    ],
    ['sends what is not HTTP', 'nonsense\r\n\r\n', 400],
    ['announces a body over the limit', post(100_001, ''), 413],
    [
      'asks for the connection to be closed',
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      200,
    ],
    ['sends nothing after an answer', get, 200],
  ])('is answered and disconnected if it %s', async (_what, text, status) => {
    const server = await start(echo, quick);
    const { closed } = openRaw(server.port, text, { allowHalfOpen: true });
    expect(statusesIn(await closed)).toEqual([status]);
  });

  test('stays connected for good without the grace period (control)', async () => {
    const sockets: Socket[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { until, socket } = openRaw(port, '', { allowHalfOpen: true });
    await until(/408/);
    await new Promise((resolve) => socket.once('end', resolve));
    expect(sockets[0]?.destroyed).toBe(false);
    socket.destroy();
    server.close();
  });
});

describe('a client that does not read its answers', () => {
  test('is disconnected', async () => {
    const big = JSON.stringify('x'.repeat(1_000_000));
    const server = await start(
      (_req, res) => {
        writeResponse(res, 200, [], big);
      },
      { ...quick, stalledMs: 300 },
    );
    const { socket, closed } = openRaw(server.port);
    socket.pause();
    socket.write(get.repeat(50));
    // A paused socket learns of the end by writing.
    const writing = setInterval(() => socket.write(get), 50);
    await closed;
    clearInterval(writing);
  });

  test('keeps its connection while it reads slowly', async () => {
    const size = 3_000_000;
    const server = await start(
      (_req, res) => {
        writeResponse(res, 200, [], Buffer.alloc(size));
      },
      { ...quick, stalledMs: 1_000 },
    );
    const { socket, closed } = openRaw(
      server.port,
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    socket.on('data', () => {
      socket.pause();
      setTimeout(() => socket.resume(), 10);
    });
    expect((await closed).length).toBeGreaterThan(size);
  });
});

describe('a body over the limit', () => {
  test('is refused before any of it has arrived, and its connection ends', async () => {
    const server = await start(echo, { graceMs: 100 });
    const { closed } = openRaw(server.port, post(50_000_000, ''), { allowHalfOpen: true });
    const received = await closed;
    expect(statusesIn(received)).toEqual([413]);
    expect(received).toMatch(/connection: close/i);
  });

  test('is not read', async () => {
    let read = 0;
    const server = await start(
      (req, res) => {
        req.socket.once('close', () => (read = req.socket.bytesRead));
        echo(req, res);
      },
      { graceMs: 200 },
    );
    const { socket, closed } = openRaw(server.port, post(50_000_000, ''));
    socket.write(Buffer.alloc(50_000_000, 32));
    await closed;
    expect(read).toBeLessThan(1_000_000);
  });

  test('is refused as soon as a chunked one exceeds it', async () => {
    const server = await start(echo, { graceMs: 100 });
    const chunk = `8000\r\n${' '.repeat(0x8000)}\r\n`;
    const { socket, closed } = openRaw(
      server.port,
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    socket.write(chunk.repeat(4));
    expect(statusesIn(await closed)).toEqual([413]);
  });

  test('is refused without 100 Continue', async () => {
    const server = await start(echo, { graceMs: 100 });
    const { closed } = openRaw(server.port, post(100_001, '', 'Expect: 100-continue\r\n'));
    expect(statusesIn(await closed)).toEqual([413]);
  });

  test('is accepted at the limit, on a connection that is kept', async () => {
    const server = await start(echo, {});
    const body = JSON.stringify('x'.repeat(100_000 - 4)).replace(/^"/, '["') + ']';
    const { socket, until, closed } = openRaw(server.port, post(100_000, body));
    await until(/x"\]$/);
    socket.write(post(2, '{}'));
    expect(statusesIn(await until(/\{\}$/))).toEqual([200, 200]);
    socket.end();
    await closed;
  });
});

describe('a request before what cannot be parsed', () => {
  test('is answered first', async () => {
    const refused: Refusal[] = [];
    const server = await start(echo, quick, (refusal) => refused.push(refusal));
    const { closed } = openRaw(server.port, `${post(8, '{"a": 1}')}nonsense\r\n\r\n`);
    const received = await closed;
    expect(statusesIn(received)).toEqual([200, 400]);
    expect(received.indexOf('{"a":1}')).toBeLessThan(received.indexOf('HTTP/1.1 400'));
    expect(refused).toMatchObject([
      { status: 400, code: 'invalid_request', clientAddress: '127.0.0.1' },
    ]);
  });

  test('is answered first however long it takes', async () => {
    let release: () => void = () => undefined;
    let arrived: () => void = () => undefined;
    const inFlight = new Promise<void>((resolve) => (arrived = resolve));
    const server = await start(
      (_req, res) => {
        release = () => {
          writeResponse(res, 201, [], '"made"');
        };
        arrived();
      },
      { graceMs: 100 },
    );
    const { closed, received } = openRaw(server.port, `${get}nonsense\r\n\r\n`);
    await inFlight;
    expect(received()).toBe('');
    release();
    expect(statusesIn(await closed)).toEqual([201, 400]);
  });

  test('is answered 400 itself if its own body is malformed', async () => {
    const server = await start(echo, quick);
    const { closed } = openRaw(
      server.port,
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n',
    );
    expect(statusesIn(await closed)).toEqual([400]);
  });
});

describe('the number of connections', () => {
  test('of one network is limited, and a closed one makes room', async () => {
    const server = await start(echo, { connectionsPerNetwork: 2 });
    const first = openRaw(server.port, get);
    const second = openRaw(server.port, get);
    await Promise.all([first.until(/null/), second.until(/null/)]);
    expect(await openRaw(server.port, get).closed).toBe('');
    first.socket.destroy();
    await first.closed;
    let answered = '';
    while (!answered.includes('200')) {
      const next = openRaw(server.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      answered = await next.closed;
    }
    second.socket.destroy();
  });
});

describe('stopping', () => {
  test.each([
    ['that sent one byte', 'G'],
    ['in the middle of its body', post(10, '{"a"')],
    ['that is idle', get],
  ])('does not wait for a connection %s', async (_what, text) => {
    const server = await startServer({
      listener: echo,
      host: '127.0.0.1',
      port: 0,
      limits: { graceMs: 100 },
    });
    const { closed, socket } = openRaw(server.port, text, { allowHalfOpen: true });
    await new Promise((resolve) => socket.once('connect', resolve));
    await server.stop(3_600_000);
    await closed;
  });

  test('waits for a request that is being handled', async () => {
    let release: () => void = () => undefined;
    let arrived: () => void = () => undefined;
    const inFlight = new Promise<void>((resolve) => (arrived = resolve));
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      limits: { graceMs: 50 },
      listener: (_req, res) => {
        release = () => {
          writeResponse(res, 200, [], '"done"');
        };
        arrived();
      },
    });
    const { closed } = openRaw(server.port, get);
    await inFlight;
    const waiting = openRaw(server.port, 'G');
    await new Promise((resolve) => waiting.socket.once('connect', resolve));
    const stopped = server.stop(3_600_000);
    await waiting.closed; // the grace period is over
    release();
    expect(statusesIn(await closed)).toEqual([200]);
    await stopped;
  });

  test('says with the last response that the connection will be closed', async () => {
    let release: () => void = () => undefined;
    let arrived: () => void = () => undefined;
    const inFlight = new Promise<void>((resolve) => (arrived = resolve));
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      listener: (_req, res) => {
        release = () => {
          writeResponse(res, 200, [], '"done"');
        };
        arrived();
      },
    });
    const { closed } = openRaw(server.port, get);
    await inFlight;
    const stopped = server.stop(3_600_000);
    release();
    expect(await closed).toMatch(/connection: close/i);
    await stopped;
  });
});
