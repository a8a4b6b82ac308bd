import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Database } from '@movie-ticketing/kit/database';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { makeCrashClient, until } from '../../testing/crash-client.ts';
import { summarizeLedger } from '../../testing/crash-ledger.ts';
import { makeRandom, pick, startLoad } from '../../testing/crash-load.ts';
import { startCrashPostgres, type CrashPostgres } from '../../testing/crash-postgres.ts';
import { startCrashHost, type CrashHost, type CrashProcess } from '../../testing/crash-process.ts';
import {
  chooseSeed,
  insertUsers,
  insertScreenings,
  findViolations,
  openOwner,
} from '../../testing/crash-world.ts';

const rounds = 20;
const isLinux = process.platform === 'linux';

let postgres: CrashPostgres;
let db: Database;
let host: CrashHost;
const client = makeCrashClient();

beforeAll(async () => {
  if (!isLinux) return;
  postgres = await startCrashPostgres();
  db = openOwner(postgres.url);
  host = await startCrashHost();
}, 300_000);

afterAll(async () => {
  if (!isLinux) return;
  client.close();
  await host.stop();
  await db.close();
  await postgres.stop();
});

const readiness = (it: CrashProcess, wanted: number): Promise<true> =>
  until(`readyz says ${String(wanted)}`, async () => {
    const response = await fetch(`${it.managementUrl}/readyz`);
    return response.status === wanted ? true : undefined;
  });

testIf(isLinux, 'needs /proc to find the processes of Postgres')(
  'PostgreSQL is killed 20 times under load: the services recover by themselves and every answered booking exists once',
  async () => {
    const seed = chooseSeed('postgres-crash');
    const random = makeRandom(seed);
    const processes = await Promise.all([host.start(postgres.url), host.start(postgres.url)]);
    const load = startLoad({
      client,
      random,
      server: () => pick(random, processes).url,
      newUser: await insertUsers(db, host, 60_000),
      screeningIds: await insertScreenings(db),
      buyers: 24,
    });
    for (let round = 0; round < rounds; round += 1) {
      await load.after(random() < 0.5 ? 'sent' : 'answered', 1 + Math.floor(random() * 150));
      await postgres.kill();
      await Promise.all(processes.map((it) => readiness(it, 503)));
      await postgres.restart();
      await Promise.all(processes.map((it) => readiness(it, 200)));
    }
    await load.after('answered', 50);
    await load.stop();

    const broken = await findViolations(db, client, load.ledger, pick(random, processes).url);
    const summary = await summarizeLedger(db, load.ledger);
    process.stdout.write(`postgres-crash: ${JSON.stringify(summary)}\n`);
    expect(broken).toEqual([]);
    expect(processes.map((it) => it.isAlive())).toEqual([true, true]);
    expect(summary['unanswered']).toBe(0); // a running service answers every request
    expect(summary['unavailable']).toBeGreaterThan(rounds); // control: some requests were affected
  },
  600_000,
);
