import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { auditSnapshot } from '../../src/audit.ts';
import { makeCrashClient } from '../../testing/crash-client.ts';
import {
  countInjections,
  openLane,
  injectEverywhere,
  type Lane,
  type Injection,
} from '../../testing/crash-flow.ts';
import { startCrashHost, type CrashHost } from '../../testing/crash-process.ts';

let host: CrashHost;
let lanes: Lane[];
const client = makeCrashClient();

beforeAll(async () => {
  host = await startCrashHost({ PAYMENT_ABANDON_SECONDS: '1' });
  lanes = await Promise.all(Array.from({ length: 3 }, () => openLane(host, client)));
});

afterAll(async () => {
  client.close();
  await Promise.all(lanes.map((lane) => lane.close()));
  await host.stop();
});

const isReplay = ({ repeated }: Injection): boolean =>
  repeated !== undefined && 'replayed' in repeated && repeated.replayed;

const auditAll = async (): Promise<number[]> => {
  const findings = await Promise.all(lanes.map(({ db }) => auditSnapshot(db)));
  return findings.flat().map(({ violations }) => violations);
};

test('a process that is killed after any statement of a booking, payment, cancellation or refund: a repeat with the key has no second effect', async () => {
  // Query, Execute and Sync change something. The others only prepare.
  const { injections, broken } = await injectEverywhere(lanes, {
    fault: 'silence',
    kinds: 'QES',
    kills: true,
  });
  process.stdout.write(`statement-crash: ${JSON.stringify(countInjections(injections))}\n`);
  expect(broken).toEqual([]);
  expect(new Set(await auditAll())).toEqual(new Set([0]));
  // Control: processes were killed before the commit, where the repeat makes the booking, and after it.
  for (const step of ['book', 'cancel']) {
    const inStep = injections.filter(
      (injection) => injection.step === step && injection.response?.status === 'none',
    );
    expect(inStep.some(isReplay)).toBe(true);
    expect(inStep.every(isReplay)).toBe(false);
  }
  expect(injections.filter(({ step }) => step === 'refund').length).toBeGreaterThan(5);
}, 600_000);
