import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { makeResponseReader } from '../src/response-reader.ts';

const responseWith = (status: number, length: number): string => {
  const head = `HTTP/1.1 ${String(status)} Reason\r\nX-Request-Id: 1`;
  const body = '\r\n'.repeat(length).slice(0, length);
  return length === 0
    ? `${head}\r\n\r\n`
    : `${head}\r\nContent-Length: ${String(length)}\r\n\r\n${body}`;
};

test('reads every response once, however the stream is cut into chunks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(200, 201, 409, 503), fc.nat(40)), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 20 }),
      (responses, cuts) => {
        let stream = Buffer.from(responses.map((it) => responseWith(...it)).join(''));
        const read: number[] = [];
        const onChunk = makeResponseReader((status) => read.push(status));
        for (const cut of cuts) {
          if (stream.length > 0) onChunk(stream.subarray(0, cut));
          stream = stream.subarray(cut);
        }
        if (stream.length > 0) onChunk(stream);
        expect(read).toEqual(responses.map(([status]) => status));
      },
    ),
  );
});

test('reports a response only when its body has arrived', () => {
  const read: number[] = [];
  const onChunk = makeResponseReader((status) => read.push(status));
  const whole = Buffer.from(responseWith(201, 5));
  onChunk(whole.subarray(0, -1));
  expect(read).toEqual([]);
  onChunk(whole.subarray(-1));
  expect(read).toEqual([201]);
});
