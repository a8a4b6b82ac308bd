import { mkdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';

import { nginxImage, startNginxGateway } from '@movie-ticketing/gateway/testing/nginx-container';
import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';

import { startAutocannon } from './autocannon.ts';
import { insertScreenings } from './bench-data.ts';
import { openBenchDatabase } from './bench-database.ts';
import { reads } from './cells.ts';
import type { LoadTool } from './load.ts';
import { startServer } from './server.ts';
import { percentile, ratio } from './statistics.ts';
import { hasWrk, makeWrk } from './wrk.ts';

/**
 * Public reads a second through the nginx gateway, with what it keeps and without, by turns on one
 * machine: their ratio is what counts. Needs a Docker engine on Linux with the gateway's base image.
 */
const root = join(import.meta.dirname, '..', '..');
const scratch = join(root, 'bench', 'results', 'tmp');
const clients = 64;
const rounds = 7;
const seconds = 2;

const cleanUps: (() => Promise<void> | void)[] = [];

type Way = { name: string; url: string };

/** The same services behind two gateways: theirs and one that keeps nothing. Without log lines. */
const startWays = async (reaperImage: boolean): Promise<Way[]> => {
  const database = await openBenchDatabase({
    databaseUrl: process.env['DATABASE_URL'],
    dataRoot: join(root, '.data'),
  });
  cleanUps.push(database.stop);
  await insertScreenings(database.db, 1_000);
  const server = await startServer({
    variant: 'batch',
    databaseUrl: database.url,
    host: '0.0.0.0', // containers come from outside
  });
  cleanUps.push(server.stop);
  const ways: Way[] = [{ name: 'no gateway', url: server.url }];
  for (const [name, keeping] of [
    ['keeps nothing', 'proxy_cache off;'],
    ['as it is', 'proxy_cache public_reads;'],
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
  return ways;
};

const measure = async (tool: LoadTool, url: string, path: string): Promise<number> => {
  const plan = { url, method: 'GET', clients, seconds, requests: [{ path }] } as const;
  const { good, others, errors, ...load } = await tool.run({ ...plan, keyPrefix: undefined });
  if (errors > 0 || Object.keys(others).length > 0) {
    throw new Error(`${url}${path}: ${String(errors)} errors, ${JSON.stringify(others)}`);
  }
  return good / load.seconds;
};

const median = (values: readonly number[]): number =>
  percentile(Float64Array.from(values).sort(), 0.5);

const run = async (): Promise<void> => {
  const docker = await probeDocker(nginxImage);
  if (!docker.usable) throw new Error(docker.why);
  mkdirSync(scratch, { recursive: true });
  const tool = hasWrk() ? makeWrk(scratch) : startAutocannon();
  cleanUps.push(tool.close);
  const ways = await startWays(docker.reaperImage);
  console.log(`GET/s, ${String(clients)} clients, medians of ${String(rounds)} by turns`);
  console.log(`load average ${loadavg()[0]?.toFixed(1) ?? '?'}`);
  console.log(['', ...ways.map(({ name }) => name), 'ratio'].map((it) => it.padEnd(18)).join(''));
  for (const read of reads) {
    const path = read.slice('GET '.length);
    const rates = ways.map((): number[] => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, { url }] of ways.entries()) {
        rates[index]?.push(await measure(tool, url, path));
      }
    }
    const [, nothing = [], kept = []] = rates;
    const times = median(kept.map((rate, round) => ratio(rate, nothing[round] ?? Number.NaN)));
    const cells = [read, ...rates.map((each) => median(each).toFixed(0)), times.toFixed(1)];
    console.log(cells.map((it) => it.padEnd(18)).join(''));
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
