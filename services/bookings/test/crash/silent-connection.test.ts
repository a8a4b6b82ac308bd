import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { makeCrashClient, until, type TestRequest } from '../../testing/crash-client.ts';
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

test('a database that stops responding at COMMIT with open connections: requests get 503 within a minute, and repeats with keys return the outcomes later', async () => {
  const newRequest = async (): Promise<TestRequest> => ({
    method: 'POST',
    path: '/bookings',
    token: (await lane.newUser()).token,
    key: 'key',
    body: { screening_id: lane.screeningId, num_tickets: 2 },
  });
  const [first, second] = [await newRequest(), await newRequest()];
  // BEGIN, three statements of Execute and Sync each, COMMIT.
  const injected = lane.wire.arm(8, 'silence', 'QES');
  const inDoubt = client.send(lane.process.url, first);
  await injected;
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
