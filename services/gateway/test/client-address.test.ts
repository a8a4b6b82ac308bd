import { startServer } from '@movie-ticketing/kit/server';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { networkInterfaces } from 'node:os';

import { startTestSystem, type TestSystem } from '../testing/system.ts';

let system: TestSystem;

beforeAll(async () => {
  system = await startTestSystem({ environment: { TRUST_PROXY: '1', RATE_LIMITS: 'on' } });
});
afterAll(async () => {
  await system.stop();
});

/** The statuses of twelve sign-ins with a wrong password, each with the next `X-Forwarded-For`. */
const guess = async (email: string, forwardedFor: (index: number) => string): Promise<number[]> => {
  const statuses: number[] = [];
  for (let index = 0; index < 12; index += 1) {
    const { status } = await system.api('POST', '/users/login', {
      body: { email, password: 'wrong password' },
      headers: { 'X-Forwarded-For': forwardedFor(index) },
    });
    statuses.push(status);
  }
  return statuses;
};

describe('the address that the sign-in limit counts', () => {
  test.each([
    [
      'an IPv4 address with changing ports',
      (index: number) => `203.0.113.1:${String(50_000 + index)}`,
    ],
    [
      'forged entries before the one of the proxy',
      (index: number) => `192.0.2.${String(index)}, 203.0.113.2`,
    ],
    [
      'changing IPv6 addresses of one /64',
      (index: number) => `[2001:db8:0:1::${String(index)}]:443`,
    ],
    [
      'IPv4-mapped and plain IPv4',
      (index: number) => (index % 2 === 0 ? '203.0.113.3' : '::ffff:203.0.113.3'),
    ],
    ['text that is not an address', (index: number) => `nonsense-${String(index)}`],
  ])('is one for %s', async (name, forwardedFor) => {
    const statuses = await guess(`${name.replaceAll(/\W/g, '')}@example.com`, forwardedFor);
    expect(statuses.slice(0, 10)).toEqual(Array<number>(10).fill(401));
    expect(statuses.slice(10)).toEqual([429, 429]);
  });
});

describe('HOST', () => {
  const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );

  testIf(hasIPv6, 'this machine has no IPv6')(
    'accepts IPv4 and IPv6 connections with HOST=::',
    async () => {
      const server = await startServer({
        host: '::',
        port: 0,
        listener: (_req, res) => res.end('both'),
      });
      for (const host of ['127.0.0.1', '[::1]']) {
        const answer = await fetch(`http://${host}:${String(server.port)}/`);
        expect(await answer.text()).toBe('both');
      }
      await server.stop(0);
    },
  );

  test('accepts IPv4 connections alone with HOST=127.0.0.1', async () => {
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      listener: (_req, res) => res.end('one'),
    });
    await expect(fetch(`http://[::1]:${String(server.port)}/`)).rejects.toThrow();
    await server.stop(0);
  });
});
