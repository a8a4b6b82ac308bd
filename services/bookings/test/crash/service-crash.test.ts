import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Database } from '@movie-ticketing/kit/database';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';

import { makeCrashClient } from '../../testing/crash-client.ts';
import { summarizeLedger } from '../../testing/crash-ledger.ts';
import { makeRandom, pick, startLoad } from '../../testing/crash-load.ts';
import { startCrashHost, type CrashHost, type CrashProcess } from '../../testing/crash-process.ts';
import {
  chooseSeed,
  insertUsers,
  insertScreenings,
  findViolations,
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
  // Holds of six seconds, so that expiring holds is interrupted too.
  host = await startCrashHost({ HOLD_MINUTES: '0.1' });
});

afterAll(async () => {
  client.close();
  await host.stop();
  await db.close();
  await database.drop();
});

test('a process is killed 20 times under load: every answered booking exists once, and repeats with keys return the other outcomes', async () => {
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
    newUser: await insertUsers(db, host, 60_000),
    screeningIds: await insertScreenings(db),
    buyers: 24,
  });
  for (let round = 0; round < rounds; round += 1) {
    const victim = Math.floor(random() * processes.length);
    // At the moment of a request or of a response, with few or many others in flight.
    await load.after(random() < 0.5 ? 'sent' : 'answered', 1 + Math.floor(random() * 150));
    await processes[victim]?.kill();
    processes[victim] = await start();
    await load.after('answered', 20);
  }
  await load.stop();

  const broken = await findViolations(db, client, load.ledger, pick(random, processes).url);
  const summary = await summarizeLedger(db, load.ledger);
  process.stdout.write(`service-crash: ${JSON.stringify(summary)}\n`);
  expect(broken).toEqual([]);
  expect(summary['unanswered']).toBeGreaterThan(rounds); // control: some requests were affected
}, 600_000);
