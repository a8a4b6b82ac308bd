import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { makeCrashClient, until, type Asked } from '../../testing/crash-client.ts';
import { openLane, type Lane } from '../../testing/crash-flow.ts';
import { startCrashHost, type CrashHost } from '../../testing/crash-process.ts';

let host: CrashHost;
let lane: Lane;
const client = makeCrashClient();

beforeAll(async () => {
  host = await startCrashHost();
  lane = await openLane(host, client);
});

afterAll(async () => {
  client.close();
  await lane.close();
  await host.stop();
});

const readiness = async (): Promise<number> =>
  (await fetch(`${lane.process.managementUrl}/readyz`)).status;

test('when the database falls silent at COMMIT and no connection is closed, then all who wait get 503 within a minute, and their keys tell the rest once it is back', async () => {
  const newOrder = async (): Promise<Asked> => ({
    method: 'POST',
    path: '/bookings',
    token: (await lane.newPerson()).token,
    key: 'key',
    body: { screening_id: lane.screeningId, num_tickets: 2 },
  });
  const [first, second] = [await newOrder(), await newOrder()];
  // BEGIN, three statements of Execute and Sync each, COMMIT.
  const struck = lane.wire.arm(8, 'silence', 'QES');
  const inDoubt = client.send(lane.process.url, first);
  await struck;
  const behind = client.send(lane.process.url, second); // waits for the batch before it
  expect((await Promise.all([inDoubt, behind])).map(({ status }) => status)).toEqual([503, 503]);
  expect(await readiness()).toBe(503);

  lane.wire.heal();
  await until('it is ready again', async () => ((await readiness()) === 200 ? true : undefined));
  const repeated = await client.send(lane.process.url, first);
  expect(repeated).toMatchObject({ status: 201, replayed: true });
  expect(await client.send(lane.process.url, second)).toMatchObject({ status: 201 });
  const made = await lane.db.query<{ count: number }>('SELECT count(*)::int FROM bookings');
  expect(made).toEqual([{ count: 2 }]);
}, 300_000);
