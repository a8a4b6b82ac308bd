import { afterAll, beforeAll, beforeEach, describe, expect } from '@jest/globals';

import { clientAddress, normalizeAddress } from '@movie-ticketing/kit/client-address';
import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { nginxImage, startNginxGateway, type NginxGateway } from '../testing/nginx-container.ts';

const docker = await probeDocker(nginxImage);
const testOnNginx = testIf(docker.usable, docker.usable ? '' : docker.why);

const hops = ['0', '1', '2'] as const;
let gateways: NginxGateway[] = [];
beforeAll(async () => {
  if (!docker.usable) return;
  gateways = await Promise.all(
    hops.map((trusted) =>
      startNginxGateway({
        reaperImage: docker.reaperImage,
        // A limit that two requests at once exceed: three a second for one client.
        environment: { TRUST_PROXY: trusted, ...(trusted === '1' ? { RATE_LIMIT: '1' } : {}) },
      }),
    ),
  );
}, 300_000);
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
});
beforeEach(() => {
  for (const { stub } of gateways) stub.received.length = 0;
});

/** What the services receive for one `X-Forwarded-For`: the only entry, as they read it. */
const received = async (gateway: NginxGateway, forwardedFor: string | undefined) => {
  gateway.stub.received.length = 0;
  const headers = forwardedFor === undefined ? {} : { 'X-Forwarded-For': forwardedFor };
  const answer = await fetch(`${gateway.url}/users/me`, { headers });
  expect(answer.status).toBe(200);
  return String(gateway.stub.received[0]?.headers['x-forwarded-for']);
};

const values = [
  '203.0.113.9',
  '203.0.113.9:51234',
  ' 203.0.113.9 ',
  '192.0.2.1, 203.0.113.9',
  '192.0.2.1,203.0.113.9:80,198.51.100.7',
  '2001:db8::9',
  '2001:DB8:0:0:0:0:0:9',
  '[2001:db8::9]',
  '[2001:db8::9]:443',
  '[fe80::9%eth0]:443',
  'fe80::9%eth0',
  '::ffff:203.0.113.9',
  '[::ffff:203.0.113.9]:443',
  'unknown',
  '203.0.113.9, unknown',
  '203.0.113.9,',
  '_hidden, [2001:db8::9',
  '',
];

describe('the address that nginx sends to the services', () => {
  testOnNginx('is that of the connection without trusted proxies', async () => {
    const connection = await received(gateways[0]!, undefined);
    expect(normalizeAddress(connection)).toBe(connection);
    for (const value of values) expect(await received(gateways[0]!, value)).toBe(connection);
  });

  testOnNginx('is the one that the services would find behind two trusted proxies', async () => {
    const gateway = gateways[2]!;
    const connection = await received(gateway, undefined);
    for (const value of values) {
      const sent = await received(gateway, value);
      expect([value, clientAddress(connection, sent, 1)]).toEqual([
        value,
        clientAddress(connection, value, 2),
      ]);
    }
  });
});

describe('the rate limit of nginx behind one trusted proxy', () => {
  /** The statuses of six requests at once, each with the next `X-Forwarded-For`. */
  const burst = (forwardedFor: (index: number) => string): Promise<number[]> =>
    Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const headers = { 'X-Forwarded-For': forwardedFor(index) };
        return (await fetch(`${gateways[1]!.url}/users/me`, { headers })).status;
      }),
    );

  for (const [name, forwardedFor] of [
    ['one IPv4 address with changing ports', (index: number) => `203.0.113.1:5000${String(index)}`],
    ['a forged entry before it', (index: number) => `192.0.2.${String(index)}, 203.0.113.2`],
    ['one /64', (index: number) => `[2001:db8:0:1::${String(index + 1)}]:443`],
    ['one /64 with zeros', (index: number) => `2001:db8::${String(index + 1)}`],
    ['one /64, in full', (index: number) => `2001:db8:0:2:1:1:1:${String(index + 1)}`],
    ['one /64, compressed early', (index: number) => `2001::3:1:1:1:${String(index + 1)}`],
  ] as const) {
    testOnNginx(`counts ${name} as one client`, async () => {
      expect(await burst(forwardedFor)).toContain(429);
    });
  }

  for (const [name, forwardedFor] of [
    ['six IPv4 addresses', (index: number) => `198.51.100.${String(index)}`],
    ['six IPv6 networks', (index: number) => `2001:db8:1:${String(index)}::1`],
    ['six IPv6 networks, in full', (index: number) => `2001:db8:2:${String(index)}:1:1:1:1`],
    [
      'six IPv6 networks, compressed early',
      (index: number) => `2001:1::${String(index + 1)}:1:1:1:1`,
    ],
  ] as const) {
    testOnNginx(`counts ${name} as six clients`, async () => {
      expect(await burst(forwardedFor)).toEqual(Array<number>(6).fill(200));
    });
  }
});
