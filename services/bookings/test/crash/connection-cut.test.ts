import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { auditSnapshot } from '../../src/audit.ts';
import { makeCrashClient } from '../../testing/crash-client.ts';
import {
  countInjections,
  openLane,
  injectEverywhere,
  type Lane,
} from '../../testing/crash-flow.ts';
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

test('a connection to PostgreSQL that is cut after any message: the response is right or 503, and a repeat with the key has no second effect', async () => {
  const { injections, broken } = await injectEverywhere(lanes, {
    fault: 'cut',
    kinds: 'QPBDES',
    kills: false,
  });
  process.stdout.write(`connection-cut: ${JSON.stringify(countInjections(injections))}\n`);
  expect(broken).toEqual([]);
  const statuses = injections.flatMap((it) => it.response?.status ?? []);
  expect(statuses.filter((status) => ![200, 201, 202, 503].includes(Number(status)))).toEqual([]);
  expect(statuses).toContain(503); // control: some requests were affected
  // A booking survives a lost connection: its batch is looked up, or runs again.
  const booked = injections.filter(({ step }) => step === 'book').map((it) => it.response?.status);
  expect(new Set(booked)).toEqual(new Set([201]));
  expect(lanes.map((lane) => lane.process.isAlive())).toEqual(lanes.map(() => true));
  expect(lanes.flatMap((lane) => lane.process.errors)).toEqual([]);
  const findings = await Promise.all(lanes.map(({ db }) => auditSnapshot(db)));
  expect(new Set(findings.flat().map(({ violations }) => violations))).toEqual(new Set([0]));
}, 600_000);
