import { openRaw, statusesIn } from '@movie-ticketing/kit/testing/raw-http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { requestText, sendParts, sendText, type RequestParts } from '../testing/raw-requests.ts';
import { startTestSystem, type TestSystem } from '../testing/system.ts';

/** RFC 9110 (HTTP semantics), section by section, on raw connections. */

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

describe('RFC 9110, semantics', () => {
  test.each<[string, string, number, RequestParts, RegExp?]>([
    ['8.3', 'a JSON body is read', 400, { line: login, ...twoBytes }],
    [
      '8.3',
      'the media type is compared without case',
      400,
      { line: login, headers: ['Content-Type: Application/JSON', 'Content-Length: 2'], body: '{}' },
    ],
    [
      '8.3',
      'a charset of UTF-8 is accepted',
      400,
      {
        line: login,
        headers: ['Content-Type: application/json; charset="UTF-8"', 'Content-Length: 2'],
        body: '{}',
      },
    ],
    [
      '8.3',
      'other parameters are ignored',
      400,
      {
        line: login,
        headers: ['Content-Type: application/json;v=1', 'Content-Length: 2'],
        body: '{}',
      },
    ],
    [
      '8.3',
      'another charset is not supported',
      415,
      {
        line: login,
        headers: ['Content-Type: application/json; charset=iso-8859-1', 'Content-Length: 2'],
        body: '{}',
      },
    ],
    [
      '8.3',
      'another media type is not supported',
      415,
      {
        line: login,
        headers: ['Content-Type: application/jsonx', 'Content-Length: 2'],
        body: '{}',
      },
    ],
    [
      '8.3',
      'a missing media type is not supported',
      415,
      { line: login, headers: ['Content-Length: 2'], body: '{}' },
    ],
    [
      '8.4',
      'a content coding is not supported',
      415,
      { line: login, headers: [json, 'Content-Encoding: gzip', 'Content-Length: 2'], body: '{}' },
      /accept-encoding: identity/i,
    ],
    [
      '8.4',
      'the identity coding is accepted',
      400,
      {
        line: login,
        headers: [json, 'Content-Encoding: identity', 'Content-Length: 2'],
        body: '{}',
      },
    ],
    [
      '9.3.2',
      'HEAD has the length and no body',
      200,
      { line: 'HEAD /ping HTTP/1.1' },
      /content-length: 18\r\n[\s\S]*\r\n\r\n$/i,
    ],
    [
      '9.3.7',
      'OPTIONS on a path is 405 with Allow',
      405,
      { line: 'OPTIONS /bookings HTTP/1.1' },
      /allow: [A-Z, ]*GET/i,
    ],
    [
      '9.3.7',
      'OPTIONS * has Allow',
      204,
      { line: 'OPTIONS * HTTP/1.1' },
      /allow: GET, HEAD, POST/i,
    ],
    ['9.3.8', 'TRACE is 405', 405, { line: 'TRACE /ping HTTP/1.1' }, /allow: GET, HEAD/i],
    [
      '9.1',
      'PUT is 405',
      405,
      { line: 'PUT /ping HTTP/1.1', headers: ['Content-Length: 0'] },
      /allow: GET, HEAD/i,
    ],
    [
      '10.1.1',
      '100-continue is answered before the body is read',
      400,
      { line: login, headers: [json, 'Expect: 100-Continue', 'Content-Length: 2'], body: '{}' },
    ],
    ['10.1.1', 'an unknown expectation is ignored', 200, { headers: ['Expect: tea'] }],
    [
      '12.5.1',
      'Accept does not change the answer',
      200,
      { headers: ['Accept: text/html;q=1, application/json;q=0'] },
      /application\/json/,
    ],
    ['13.1.2', 'If-None-Match: * is 304', 304, { headers: ['If-None-Match: *'] }, /etag: "/i],
    [
      '13.1.3',
      'If-Modified-Since is ignored without Last-Modified',
      200,
      { headers: ['If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT'] },
    ],
    ['14.2', 'Range is ignored', 200, { headers: ['Range: bytes=0-1'] }, /pong/],
    [
      '15.5.2',
      '401 has WWW-Authenticate',
      401,
      { line: 'GET /users/me HTTP/1.1' },
      /www-authenticate: bearer/i,
    ],
    ['4', 'a path that cannot be decoded is malformed', 400, { line: 'GET /movies/%zz HTTP/1.1' }],
    ['4', 'a path is not normalized', 404, { line: 'GET /movies/../ping HTTP/1.1' }],
  ])('%s: %s (%i)', async (_section, _rule, status, parts, pattern = /^/) => {
    const received = await sendParts(system.url, parts);
    // 100 Continue comes before the answer, if the body is wanted.
    expect(statusesIn(received).at(-1)).toBe(status);
    expect(received).toMatch(pattern);
  });

  test('10.1.1: the body is not asked for if the request is refused without it', async () => {
    const headers = [json, 'Expect: 100-continue', 'Content-Length: 2'];
    const { closed, until, socket } = openRaw(
      Number(new URL(system.url).port),
      requestText({ line: login, headers }),
    );
    expect(statusesIn(await until(/100 Continue\r\n\r\n/))).toEqual([100]);
    socket.write(`{}${requestText({ headers: ['Connection: close'] })}`);
    expect(statusesIn(await closed)).toEqual([100, 400, 200]);
    const refused = await sendText(
      system.url,
      requestText({ line: 'POST /bookings HTTP/1.1', headers }),
    );
    expect(statusesIn(refused)).toEqual([401]);
    expect(refused).toMatch(/connection: close/i);
  });
});
