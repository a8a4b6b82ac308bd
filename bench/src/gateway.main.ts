import { loadavg } from 'node:os';
import { join } from 'node:path';

import { nginxImage, startNginxGateway } from '@movie-ticketing/gateway/testing/nginx-container';
import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';

import { insertScreenings } from './bench-data.ts';
import { openBenchDatabase } from './bench-database.ts';
import { reads } from './cells.ts';
import { startLoadGenerator, type LoadGenerator } from './load.ts';
import { startServer, type BenchServer } from './server.ts';
import { median, ratio } from './statistics.ts';

/**
 * Public reads per second through the nginx gateway with and without its cache, alternating on one machine:
 * their ratio counts, and the services' processor time per response, which varies less. Needs a Docker
 * engine on Linux with the gateway's base image.
 */
const root = join(import.meta.dirname, '..', '..');
const clients = 64;
const rounds = 7;
const seconds = 2;

const cleanUps: (() => Promise<void> | void)[] = [];

type Way = { name: string; url: string };

/** The same services behind two gateways, with and without a cache. Without log lines. */
const startWays = async (reaperImage: boolean): Promise<{ server: BenchServer; ways: Way[] }> => {
  const database = await openBenchDatabase({
    databaseUrl: process.env['DATABASE_URL'],
    dataRoot: join(root, '.data'),
  });
  cleanUps.push(database.stop);
  await insertScreenings(database.db, 1_000);
  const server = await startServer({
    variant: 'batch',
    databaseUrl: database.url,
    host: '0.0.0.0', // containers connect from another network
  });
  cleanUps.push(server.stop);
  const ways: Way[] = [{ name: 'no gateway', url: server.url }];
  for (const [name, keeping] of [
    ['without cache', 'proxy_cache off;'],
    ['with cache', 'proxy_cache public_reads;'],
  ] as const) {
    const gateway = await startNginxGateway({
      reaperImage,
      servicesPort: Number(new URL(server.url).port),
      environment: { LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn' },
      change: (config) => config.replace('proxy_cache public_reads;', keeping),
    });
    cleanUps.push(gateway.stop);
    ways.push({ name, url: gateway.directUrl });
  }
  return { server, ways };
};

type Measured = { rate: number; serviceMicros: number };

const measure = async (
  generator: LoadGenerator,
  server: BenchServer,
  url: string,
  path: string,
): Promise<Measured> => {
  const plan = { url, method: 'GET', clients, seconds, requests: [{ path }] } as const;
  const before = await server.processorSeconds();
  const { good, others, errors, ...load } = await generator.run({ ...plan, keyPrefix: undefined });
  const used = (await server.processorSeconds()) - before;
  if (errors > 0 || Object.keys(others).length > 0) {
    throw new Error(`${url}${path}: ${String(errors)} errors, ${JSON.stringify(others)}`);
  }
  return { rate: good / load.seconds, serviceMicros: (used / good) * 1e6 };
};

const line = (name: string, perWay: readonly Measured[][]): string => {
  const [, nothing = [], kept = []] = perWay;
  const ratios = kept.map(({ rate }, round) => ratio(rate, nothing[round]?.rate ?? Number.NaN));
  const cells = perWay.map((all) => {
    const [rate, micros] = [all.map((one) => one.rate), all.map((one) => one.serviceMicros)];
    return `${median(rate).toFixed(0)} (${median(micros).toFixed(1)} us)`;
  });
  return toLine([name, ...cells, median(ratios).toFixed(1)]);
};

const toLine = (cells: readonly string[]): string => cells.map((it) => it.padEnd(20)).join('');

const run = async (): Promise<void> => {
  const docker = await probeDocker(nginxImage);
  if (!docker.usable) throw new Error(docker.why);
  const generator = startLoadGenerator();
  cleanUps.push(generator.close);
  const { server, ways } = await startWays(docker.reaperImage);
  console.log(
    `GET/s and the services' processor time per response, ${String(clients)} clients, medians of ` +
      `${String(rounds)} rounds, load average ${loadavg()[0]?.toFixed(1) ?? '?'}`,
  );
  console.log(toLine(['', ...ways.map(({ name }) => name), 'ratio']));
  for (const read of reads) {
    const perWay = ways.map((): Measured[] => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, { url }] of ways.entries()) {
        perWay[index]?.push(await measure(generator, server, url, read.slice('GET '.length)));
      }
    }
    console.log(line(read, perWay));
  }
};

let stopping: Promise<void> | undefined;
const stop = (): Promise<void> =>
  (stopping ??= (async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  })());
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stop().then(() => process.exit(1)));
}
try {
  await run();
} finally {
  await stop();
}
