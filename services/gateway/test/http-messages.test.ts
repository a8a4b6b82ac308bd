import { openRaw, statusesIn } from '@movie-ticketing/kit/testing/raw-http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { requestText, sendParts, sendText, type RequestParts } from '../testing/raw-requests.ts';
import { startTestSystem, type TestSystem } from '../testing/system.ts';

/** RFC 9112 (HTTP/1.1), section by section, on raw connections. */

let system: TestSystem;
beforeAll(async () => {
  system = await startTestSystem();
});
afterAll(async () => {
  await system.stop();
});

const login = 'POST /users/login HTTP/1.1';
const json = 'Content-Type: application/json';
/** A body of 2 bytes that is valid JSON and not a valid sign-in: 400 says that it was read. */
const twoBytes = { headers: [json, 'Content-Length: 2'], body: '{}' };
const signIn = (header: string): RequestParts => ({
  line: login,
  headers: [json, header],
  body: '{}',
});
const chunked = (body: string): RequestParts => ({
  line: login,
  headers: [json, 'Transfer-Encoding: chunked'],
  body,
});

describe('RFC 9112, HTTP/1.1', () => {
  test.each<[string, string, number, RequestParts]>([
    [
      '2.2',
      'an empty line before the request line is ignored',
      200,
      { line: '\r\nGET /ping HTTP/1.1' },
    ],
    ['2.2', 'white space before the first header is rejected', 400, { headers: [' X-A: b'] }],
    ['2.3', 'HTTP/1.0 is answered', 200, { line: 'GET /ping HTTP/1.0' }],
    ['2.3', 'HTTP/2.0 is not supported', 505, { line: 'GET /ping HTTP/2.0' }],
    ['2.3', 'HTTP/0.9 with a version is not supported', 505, { line: 'GET /ping HTTP/0.9' }],
    ['2.3', 'HTTP/9.9 is not supported', 505, { line: 'GET /ping HTTP/9.9' }],
    ['2.3', 'HTTP in lower case is malformed', 400, { line: 'GET /ping http/1.1' }],
    [
      '3',
      'a request line without a version is HTTP/0.9, which is not supported',
      505,
      { line: 'GET /ping' },
    ],
    [
      '3',
      'a request line with spaces in its target is malformed',
      400,
      { line: 'GET /pi ng HTTP/1.1' },
    ],
    [
      '3',
      'a URI over 8 kB is too long',
      414,
      { line: `GET /movies?q=${'a'.repeat(9_000)} HTTP/1.1` },
    ],
    [
      '3',
      'a URI over 16 kB is too long',
      414,
      { line: `GET /movies?q=${'a'.repeat(20_000)} HTTP/1.1` },
    ],
    [
      '3',
      'a URI over 32 kB is too long',
      414,
      { line: `GET /movies?q=${'a'.repeat(40_000)} HTTP/1.1` },
    ],
    ['3.1', 'a method in lower case is unknown', 501, { line: 'get /ping HTTP/1.1' }],
    ['3.1', 'an unknown method is not implemented', 501, { line: 'FOO /ping HTTP/1.1' }],
    ['3.2', 'a request without Host is rejected', 400, { headers: ['Host : x'] }],
    ['3.2', 'two Host headers are rejected', 400, { headers: ['Host: x', 'Host: x'] }],
    ['3.2', 'two different Host headers are rejected', 400, { headers: ['Host: x', 'host: y'] }],
    ['3.2', 'an invalid Host is rejected', 400, { headers: ['Host: x/y'] }],
    ['3.2', 'a Host with user information is rejected', 400, { headers: ['Host: user@x'] }],
    ['3.2', 'an empty Host is accepted', 200, { headers: ['Host:'] }],
    ['3.2', 'a Host with a port is accepted', 200, { headers: ['Host: x:8080'] }],
    ['3.2', 'an IPv6 Host is accepted', 200, { headers: ['Host: [::1]:8080'] }],
    ['3.2.2', 'the absolute form is accepted', 200, { line: 'GET http://x/ping HTTP/1.1' }],
    ['3.2.2', 'the absolute form is matched by its path', 404, { line: 'GET http://x HTTP/1.1' }],
    [
      '3.2.2',
      'the absolute form of another scheme is rejected',
      400,
      { line: 'GET ftp://x/ping HTTP/1.1' },
    ],
    [
      '3.2.3',
      'the authority form is for CONNECT, which is not allowed',
      405,
      { line: 'CONNECT x:1 HTTP/1.1' },
    ],
    ['3.2.4', 'the asterisk form is answered for OPTIONS', 204, { line: 'OPTIONS * HTTP/1.1' }],
    ['3.2.4', 'the asterisk form is rejected for GET', 400, { line: 'GET * HTTP/1.1' }],
    ['5', 'a header without a colon is malformed', 400, { headers: ['X-A'] }],
    ['5', 'an empty header name is malformed', 400, { headers: [': b'] }],
    ['5.1', 'a space before the colon is malformed', 400, { headers: ['X-A : b'] }],
    ['5.1', 'white space around a value is ignored', 200, { headers: ['X-A: \t b \t '] }],
    ['5.2', 'a folded header line is rejected', 400, { headers: ['X-A: b\r\n c'] }],
    ['5.5', 'a NUL in a value is malformed', 400, { headers: ['X-A: a\u0000b'] }],
    ['5.5', 'a carriage return in a value is malformed', 400, { headers: ['X-A: a\rb'] }],
    ['5.5', 'a header in Latin-1 is accepted', 200, { headers: ['X-A: \u00e9'] }],
    ['5', 'headers over 16 kB are too large', 431, { headers: [`X-A: ${'a'.repeat(20_000)}`] }],
    ['5', 'headers over 32 kB are too large', 431, { headers: [`X-A: ${'a'.repeat(40_000)}`] }],
    [
      '5',
      'many headers over 16 kB are too large',
      431,
      { headers: Array<string>(500).fill(`X-A: ${'a'.repeat(40)}`) },
    ],
    ['6', 'a body without a length is no body', 400, { line: login, headers: [json] }],
    ['6', 'a body on GET is ignored', 200, twoBytes],
    [
      '6.1',
      'an unknown transfer coding is not implemented',
      501,
      { line: login, headers: [json, 'Transfer-Encoding: gzip, chunked'], body: '0\r\n\r\n' },
    ],
    [
      '6.1',
      'a transfer coding whose last is not chunked is malformed',
      400,
      { line: login, headers: [json, 'Transfer-Encoding: gzip'] },
    ],
    [
      '6.1',
      'chunked twice is malformed',
      400,
      { line: login, headers: [json, 'Transfer-Encoding: chunked, chunked'], body: '0\r\n\r\n' },
    ],
    [
      '6.1',
      'a transfer coding in HTTP/1.0 is rejected',
      400,
      {
        line: 'POST /users/login HTTP/1.0',
        headers: [json, 'Transfer-Encoding: chunked'],
        body: '2\r\n{}\r\n0\r\n\r\n',
      },
    ],
    [
      '6.2',
      'two equal lengths are rejected',
      400,
      { line: login, headers: [json, 'Content-Length: 2', 'Content-Length: 2'], body: '{}' },
    ],
    [
      '6.2',
      'two lengths are rejected',
      400,
      { line: login, headers: [json, 'Content-Length: 2', 'Content-Length: 3'], body: '{} ' },
    ],
    ['6.2', 'a list of lengths is rejected', 400, signIn('Content-Length: 2, 2')],
    ['6.2', 'a negative length is rejected', 400, signIn('Content-Length: -2')],
    ['6.2', 'a signed length is rejected', 400, signIn('Content-Length: +2')],
    ['6.2', 'a hexadecimal length is rejected', 400, signIn('Content-Length: 0x2')],
    [
      '6.2',
      'a length past 2^64 is rejected',
      400,
      { line: login, headers: [json, 'Content-Length: 99999999999999999999'] },
    ],
    [
      '6.2',
      'a length over the limit is too large',
      413,
      { line: login, headers: [json, 'Content-Length: 100001'] },
    ],
    [
      '6.3',
      'a length beside chunks is rejected',
      400,
      {
        line: login,
        headers: [json, 'Content-Length: 2', 'Transfer-Encoding: chunked'],
        body: '2\r\n{}\r\n0\r\n\r\n',
      },
    ],
    [
      '7.1',
      'a chunked body is read',
      401,
      chunked(`26\r\n{"email":"a@b.example","password":"wro\r\n9\r\nng pass"}\r\n0\r\n\r\n`),
    ],
    [
      '7.1',
      'a chunk size that is not hexadecimal is malformed',
      400,
      chunked('x\r\n{}\r\n0\r\n\r\n'),
    ],
    ['7.1', 'a chunk longer than its size is malformed', 400, chunked('1\r\n{}\r\n0\r\n\r\n')],
    [
      '7.1',
      'a chunked body over the limit is too large',
      413,
      chunked(`30d40\r\n${' '.repeat(200_000)}\r\n0\r\n\r\n`),
    ],
    ['7.1.1', 'chunk extensions are ignored', 400, chunked('2;name=value\r\n{}\r\n0\r\n\r\n')],
    [
      '7.1.1',
      'chunk extensions without end are too large',
      413,
      chunked(`2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
    ],
    ['7.1.2', 'trailers are ignored', 400, chunked('2\r\n{}\r\n0\r\nX-Trailer: a\r\n\r\n')],
  ])('%s: %s (%i)', async (_section, _rule, status, parts) => {
    const received = await sendParts(system.url, parts);
    expect(statusesIn(received)).toEqual([status]);
    if (status >= 400) {
      expect(received).toMatch(/content-type: application\/problem\+json/i);
      expect(received).toMatch(/x-request-id: [\w-]+/i);
      expect(received).toMatch(/\r\ndate: /i);
      expect(received).toMatch(/connection: close/i);
    }
  });
});

describe('RFC 9112, 6 to 8: bodies', () => {
  test('7.1: an empty chunked body is no body', async () => {
    const headers = ['Transfer-Encoding: chunked', `Authorization: Bearer ${system.admin.token}`];
    const line = 'POST /bookings/1/cancel HTTP/1.1';
    expect(statusesIn(await sendParts(system.url, { line, headers, body: '0\r\n\r\n' }))).toEqual([
      404,
    ]);
  });

  test('8: a body shorter than its length is malformed', async () => {
    const { socket, closed } = openRaw(
      Number(new URL(system.url).port),
      requestText(signIn('Content-Length: 10')),
    );
    socket.end();
    expect(statusesIn(await closed)).toEqual([400]);
  });
});

describe('RFC 9112, 9: connections', () => {
  test('9.3: HTTP/1.1 connections persist', async () => {
    const received = await sendText(
      system.url,
      requestText({}) + requestText({ headers: ['Connection: close'] }),
    );
    expect(statusesIn(received)).toEqual([200, 200]);
  });

  test('9.3: an HTTP/1.0 connection ends after its answer', async () => {
    const received = await sendText(
      system.url,
      requestText({ line: 'GET /ping HTTP/1.0' }) + requestText({}),
    );
    expect(statusesIn(received)).toEqual([200]);
  });

  test('9.3.2: pipelined requests are answered in their order', async () => {
    const received = await sendText(
      system.url,
      requestText({ line: 'GET /movies HTTP/1.1' }) +
        requestText({}) +
        requestText({ line: 'GET /x HTTP/1.1', headers: ['Connection: close'] }),
    );
    expect(statusesIn(received)).toEqual([200, 200, 404]);
    expect(received.indexOf('"movies"')).toBeLessThan(received.indexOf('pong'));
  });

  test('9.3.2: a request is answered before the malformed one after it', async () => {
    const received = await sendText(system.url, `${requestText({})}nonsense\r\n\r\n`);
    expect(statusesIn(received)).toEqual([200, 400]);
  });

  test('9.6: unknown connection options are ignored', async () => {
    const received = await sendText(
      system.url,
      requestText({ headers: ['Connection: x-unknown, close'] }),
    );
    expect(statusesIn(received)).toEqual([200]);
  });

  test('a refused body on a connection that is kept does not become the next request', async () => {
    const inner = requestText({ line: 'GET /movies HTTP/1.1' });
    const outer = requestText({
      line: 'POST /x HTTP/1.1',
      headers: [`Content-Length: ${String(inner.length)}`],
      body: inner,
    });
    const next = requestText({ headers: ['Connection: close'] });
    expect(statusesIn(await sendText(system.url, outer + next))).toEqual([404, 200]);
  });
});

describe('a request that the parser refuses', () => {
  test('is in the metrics', async () => {
    const metrics = async (): Promise<number> => {
      const text = await (await fetch(`${system.managementUrl}/metrics`)).text();
      const line =
        /http_request_duration_seconds_count\{.*status="400".*method="unknown".*\} (\d+)|http_request_duration_seconds_count\{.*method="unknown".*status="400".*\} (\d+)/.exec(
          text,
        );
      return Number(line?.[1] ?? line?.[2] ?? 0);
    };
    const before = await metrics();
    await sendText(system.url, 'nonsense\r\n\r\n');
    expect(await metrics()).toBe(before + 1);
  });
});
