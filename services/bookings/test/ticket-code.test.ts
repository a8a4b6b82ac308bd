import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { readTicketCode, signTicketCode } from '../src/tickets/ticket-code.ts';

const keys = generateKeyPairSync('ed25519');
const otherKeys = generateKeyPairSync('ed25519');
const findKey = (keyNumber: number) => (keyNumber === 7 ? keys.publicKey : undefined);

const codes = fc.record({
  keyNumber: fc.constant(7),
  ticketId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  screeningId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  seat: fc.option(fc.integer({ min: 0, max: 4_999 }), { nil: undefined }),
  codeVersion: fc.integer({ min: 0, max: 65_535 }),
});

const example = { keyNumber: 7, ticketId: 12_000, screeningId: 3, seat: 41, codeVersion: 0 };

describe('the code of a ticket', () => {
  test('says what was signed', () => {
    fc.assert(
      fc.property(codes, (code) => {
        const text = signTicketCode(code, keys.privateKey);
        expect(text).toMatch(/^[A-Z2-7]{140}$/);
        expect(readTicketCode(text, findKey)).toEqual(code);
      }),
    );
  });

  test('may be typed in lower case and in groups', () => {
    const text = signTicketCode(example, keys.privateKey);
    const typed = ` ${text.toLowerCase().replaceAll(/.{4}/g, '$&-')} `;
    expect(readTicketCode(typed, findKey)).toEqual(example);
  });

  test('is void with any other character', () => {
    const text = signTicketCode(example, keys.privateKey);
    const changes = fc.record({
      at: fc.integer({ min: 0, max: text.length - 1 }),
      by: fc.constantFrom('A', 'B', 'M', 'Z', '2', '7', '0', '!'),
    });
    fc.assert(
      fc.property(changes, ({ at, by }) => {
        const changed = text.slice(0, at) + by + text.slice(at + 1);
        if (changed !== text) expect(readTicketCode(changed, findKey)).toBeUndefined();
      }),
    );
  });

  test('is void when another key signed it, when its key is unknown, and when it is not a code', () => {
    expect(readTicketCode(signTicketCode(example, otherKeys.privateKey), findKey)).toBeUndefined();
    const unknown = signTicketCode({ ...example, keyNumber: 8 }, keys.privateKey);
    expect(readTicketCode(unknown, findKey)).toBeUndefined();
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(readTicketCode(text, findKey)).toBeUndefined();
      }),
    );
  });
});
