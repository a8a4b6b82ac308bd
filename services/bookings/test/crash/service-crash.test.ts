import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Database } from '@movie-ticketing/kit/database';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';

import { makeCrashClient } from '../../testing/crash-client.ts';
import { summarizeLedger } from '../../testing/crash-ledger.ts';
import { makeRandom, pick, startLoad } from '../../testing/crash-load.ts';
import { startCrashHost, type CrashHost, type CrashProcess } from '../../testing/crash-process.ts';
import {
  chooseSeed,
  insertPeople,
  insertScreenings,
  judge,
  openOwner,
} from '../../testing/crash-world.ts';

const rounds = 20;

let database: TestDatabase;
let db: Database;
let host: CrashHost;
const client = makeCrashClient();

beforeAll(async () => {
  database = await createTestDatabase();
  db = openOwner(database.url);
  // Holds of six seconds: the sweeper is at work, and killed, as well.
  host = await startCrashHost({ HOLD_MINUTES: '0.1' });
});

afterAll(async () => {
  client.close();
  await host.stop();
  await db.close();
  await database.drop();
});

test('when a process is killed 20 times under load, then what was answered is there, once, and a repeat with its key tells the rest', async () => {
  const seed = chooseSeed('service-crash');
  const random = makeRandom(seed);
  const start = (): Promise<CrashProcess> => host.start(database.url);
  const processes = await Promise.all([start(), start()]);
  const load = startLoad({
    client,
    random,
    server: () =>
      pick(
        random,
        processes.filter((it) => it.isAlive()),
      ).url,
    newPerson: await insertPeople(db, host, 60_000),
    screeningIds: await insertScreenings(db),
    buyers: 24,
  });
  for (let round = 0; round < rounds; round += 1) {
    const victim = Math.floor(random() * processes.length);
    // At the moment of a request or of an answer: when few are on their way, or many.
    await load.after(random() < 0.5 ? 'sent' : 'answered', 1 + Math.floor(random() * 150));
    await processes[victim]?.kill();
    processes[victim] = await start();
    await load.after('answered', 20);
  }
  await load.stop();

  const broken = await judge(db, client, load.ledger, pick(random, processes).url);
  const summary = await summarizeLedger(db, load.ledger);
  process.stdout.write(`service-crash: ${JSON.stringify(summary)}\n`);
  expect(broken).toEqual([]);
  expect(summary['unanswered']).toBeGreaterThan(rounds); // control: the kills did hit requests
}, 600_000);
