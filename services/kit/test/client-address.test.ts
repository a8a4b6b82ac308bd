import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { clientAddress, networkOf, normalizeAddress } from '../src/client-address.ts';

const proxy = '10.0.0.1';

describe('normalizeAddress', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:4711', '192.0.2.7'],
    [' 192.0.2.7 ', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[::1]:1234', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', 'fe80::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['[::FFFF:c000:207]:80', '192.0.2.7'],
  ])('%s becomes %s', (text, expected) => {
    expect(normalizeAddress(text)).toBe(expected);
  });

  test.each([
    '',
    'unknown',
    '_hidden',
    'localhost',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.7:port',
    '192.0.2.7:4711:1',
    '[192.0.2.7]x',
    '[2001:db8::1',
    '2001:db8::1]:80',
    '2001:db8::1::2',
    '1111111111111111111111',
    "'; DROP TABLE users; --",
  ])('%s is not an address', (text) => {
    expect(normalizeAddress(text)).toBeUndefined();
  });

  test('every spelling of an IPv6 address has one normalized form', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const normalized = normalizeAddress(address);
        expect(normalized).toBeDefined();
        for (const spelling of [
          address.toUpperCase(),
          `[${address}]`,
          `[${address}]:8080`,
          `${address}%eth0`,
          String(normalized),
        ]) {
          expect(normalizeAddress(spelling)).toBe(normalized);
        }
      }),
    );
  });
});

describe('clientAddress', () => {
  test.each([
    ['no proxy is trusted', '203.0.113.9', 0, proxy],
    ['there is no header', undefined, 1, proxy],
    ['one proxy is trusted', '203.0.113.9', 1, '203.0.113.9'],
    ['the client forged an entry', '192.0.2.1, 203.0.113.9', 1, '203.0.113.9'],
    ['two proxies are trusted', '192.0.2.1, 203.0.113.9, 10.0.0.2', 2, '203.0.113.9'],
    ['there are fewer entries than trusted proxies', '203.0.113.9', 3, '203.0.113.9'],
    ['the entry has a port', '203.0.113.9:51234', 1, '203.0.113.9'],
    ['the entry is IPv6 with a port', '[2001:db8::1]:51234', 1, '2001:db8::1'],
    ['the entry is not an address', '203.0.113.9, unknown', 1, proxy],
    ['the entry is empty', '203.0.113.9,', 1, proxy],
  ])('%s', (_case, forwardedFor, hops, expected) => {
    expect(clientAddress(proxy, forwardedFor, hops)).toBe(expected);
  });

  test('normalizes the address of an IPv4 connection to a dual-stack socket', () => {
    expect(clientAddress('::ffff:192.0.2.7', undefined, 0)).toBe('192.0.2.7');
  });

  test('is "unknown" for a closed connection', () => {
    expect(clientAddress(undefined, undefined, 0)).toBe('unknown');
  });

  test('is an address whatever the client sends', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 10 }), (forwardedFor, hops) => {
        const address = clientAddress(proxy, forwardedFor, hops);
        expect(normalizeAddress(address)).toBe(address);
      }),
    );
  });

  test('is not changed by what the client sends to the left of the trusted entries', () => {
    fc.assert(
      fc.property(fc.string(), fc.ipV4(), (forged, address) => {
        expect(clientAddress(proxy, `${forged}, ${address}`, 1)).toBe(address);
      }),
    );
  });
});

describe('networkOf', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:ffff:1:2:3', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::5', '2001:db8:0:1::/64'],
    ['2001::1:2:3:4:5', '2001:0:0:1::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['unknown', 'unknown'],
  ])('%s belongs to %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  test('two addresses share a network if and only if their first 64 bits are equal', () => {
    const group = fc.constantFrom('0', '1', 'db8', 'ffff');
    const address = fc.array(group, { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(address, address, (a, b) => {
        const [networkA, networkB] = [a, b].map((groups) =>
          networkOf(String(normalizeAddress(groups.join(':')))),
        );
        const equal = a.slice(0, 4).join(':') === b.slice(0, 4).join(':');
        expect(networkA === networkB).toBe(equal);
      }),
    );
  });
});
