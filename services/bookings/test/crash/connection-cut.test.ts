import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { auditSnapshot } from '../../src/audit.ts';
import { makeCrashClient } from '../../testing/crash-client.ts';
import { countStrikes, openLane, strikeEverywhere, type Lane } from '../../testing/crash-flow.ts';
import { startCrashHost, type CrashHost } from '../../testing/crash-process.ts';

let host: CrashHost;
let lanes: Lane[];
const client = makeCrashClient();

beforeAll(async () => {
  host = await startCrashHost({ PAYMENT_ABANDON_SECONDS: '1' });
  lanes = await Promise.all(Array.from({ length: 4 }, () => openLane(host, client)));
});

afterAll(async () => {
  client.close();
  await Promise.all(lanes.map((lane) => lane.close()));
  await host.stop();
});

test('when the connection to Postgres is cut after any message, then the answer is right or 503, and a repeat with the key leaves one effect', async () => {
  const { strikes, broken } = await strikeEverywhere(lanes, {
    fault: 'cut',
    kinds: 'QPBDES',
    kills: false,
  });
  process.stdout.write(`connection-cut: ${JSON.stringify(countStrikes(strikes))}\n`);
  expect(broken).toEqual([]);
  const heard = strikes.flatMap((it) => it.heard?.status ?? []);
  expect(heard.filter((status) => ![200, 201, 202, 503].includes(Number(status)))).toEqual([]);
  expect(heard).toContain(503); // control: cuts did hit requests
  // A booking outlives a lost connection: its batch is looked up, or run again.
  const booked = strikes.filter(({ step }) => step === 'book').map((it) => it.heard?.status);
  expect(new Set(booked)).toEqual(new Set([201]));
  expect(lanes.map((lane) => lane.process.isAlive())).toEqual(lanes.map(() => true));
  expect(lanes.flatMap((lane) => lane.process.errors)).toEqual([]);
  const findings = await Promise.all(lanes.map(({ db }) => auditSnapshot(db)));
  expect(new Set(findings.flat().map(({ violations }) => violations))).toEqual(new Set([0]));
}, 600_000);
