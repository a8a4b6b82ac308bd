import { describe, expect } from '@jest/globals';

import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { nginxImage, startNginxGateway, type NginxGateway } from '../testing/nginx-container.ts';
import { startTestSystem, type TestSystem } from '../testing/system.ts';

const docker = await probeDocker(nginxImage);
const testOnNginx = testIf(docker.usable, docker.usable ? '' : docker.why);
const reaperImage = docker.usable && docker.reaperImage;

/** What a service may have kept it for before: the gateway's share of the second is the rest. */
const serviceMs = 250;

type Aged = { oldestMs: number; kept: number };

/**
 * Reads a service's clock through the gateway until something is as old as that, or for so long.
 * Old is what it was when it was asked for: what a busy machine adds later proves nothing.
 */
const readClock = async (gateway: NginxGateway, until: Aged & { ms: number }): Promise<Aged> => {
  const { stub, url } = gateway;
  stub.respond = (_received, res) => {
    res.setHeader('Cache-Control', 'public, max-age=0, must-revalidate');
    res.end(String(Date.now()));
  };
  const seen = { oldestMs: 0, kept: 0 };
  const end = Date.now() + until.ms;
  while (Date.now() < end && (seen.oldestMs < until.oldestMs || seen.kept < until.kept)) {
    const before = stub.received.length;
    const asked = Date.now();
    const answered = Number(await (await fetch(`${url}/screenings`)).text());
    if (stub.received.length === before) seen.kept += 1;
    seen.oldestMs = Math.max(seen.oldestMs, asked - answered);
  }
  return seen;
};

describe('the age of a public read', () => {
  testOnNginx(
    'the gateway’s cache stays within its share of the second',
    async () => {
      const gateway = await startNginxGateway({ reaperImage });
      try {
        const seen = await readClock(gateway, { oldestMs: 1_000, kept: 1e9, ms: 5_000 });
        expect(seen.kept).toBeGreaterThan(0);
        expect(seen.oldestMs).toBeLessThan(1_000 - serviceMs);
      } finally {
        await gateway.stop();
      }
    },
    60_000,
  );

  testOnNginx(
    'with nginx’s own expiry a response is older than a second (control)',
    async () => {
      const gateway = await startNginxGateway({
        reaperImage,
        change: (config) => config.replace('"$half_second $request_uri"', '"$request_uri"'),
      });
      try {
        const seen = await readClock(gateway, { oldestMs: 1_000, kept: 1, ms: 20_000 });
        expect(seen.oldestMs).toBeGreaterThanOrEqual(1_000);
      } finally {
        await gateway.stop();
      }
    },
    60_000,
  );
});

type Read = { asked: number; seats: number };
type Sale = { answered: number; seats: number };

const prepareSale = async ({ api, admin, signUp }: TestSystem) => {
  const create = async (path: string, body: object): Promise<any> => {
    const answer = await api('POST', path, { token: admin.token, body });
    expect([path, answer.status]).toEqual([path, 201]);
    return answer.body;
  };
  const { movie } = await create('/movies', {
    title: 'Metropolis',
    duration_minutes: 153,
    price: { amount: 1_200, currency: 'USD' },
    start_date: '2026-01-01',
    end_date: '2099-12-31',
  });
  const { theater } = await create('/theaters', {
    name: 'Filmpalast',
    location: 'Berlin',
    time_zone: 'Europe/Berlin',
    total_seats: 10_000,
  });
  const { screening } = await create('/screenings', {
    movie_id: movie.id,
    theater_id: theater.id,
    starts_at: new Date(Date.now() + 86_400_000).toISOString(),
  });
  return { screeningId: screening.id as number, buyer: await signUp() };
};

describe('seats', () => {
  testOnNginx(
    'sold seats are not shown as free a second later',
    async () => {
      const system = await startTestSystem({ environment: { HOST: '0.0.0.0' } });
      const servicesPort = Number(new URL(system.url).port);
      const gateway = await startNginxGateway({ reaperImage, servicesPort });
      try {
        const { screeningId, buyer } = await prepareSale(system);
        const url = `${gateway.url}/screenings/${String(screeningId)}`;
        const end = Date.now() + 5_000;
        const [reads, sales]: [Read[], Sale[]] = [[], []];
        const readOn = async (): Promise<void> => {
          while (Date.now() < end) {
            const asked = Date.now();
            const { screening } = (await (await fetch(url)).json()) as any;
            reads.push({ asked, seats: screening.available_seats });
          }
        };
        const sellOn = async (): Promise<void> => {
          while (Date.now() < end) {
            const body = { screening_id: screeningId, num_tickets: 1 };
            const { status } = await system.api('POST', '/bookings', { token: buyer.token, body });
            expect(status).toBe(201);
            sales.push({ answered: Date.now(), seats: 9_999 - sales.length });
          }
        };
        await Promise.all([readOn(), readOn(), readOn(), sellOn()]);
        const tooOld = reads.filter(({ asked, seats }) => {
          const sold = sales.findLast(({ answered }) => answered < asked - 1_000);
          return sold !== undefined && seats > sold.seats;
        });
        expect(tooOld).toEqual([]);
        expect(gateway.written()).toContain('"cache":"HIT"');
        // Reads did lag behind: what is kept is really in use.
        expect(
          reads.some(({ asked, seats }) =>
            sales.some((sale) => sale.answered < asked && sale.seats < seats),
          ),
        ).toBe(true);
      } finally {
        await gateway.stop();
        await system.stop();
      }
    },
    90_000,
  );
});
