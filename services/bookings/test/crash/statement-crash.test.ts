import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { auditSnapshot } from '../../src/audit.ts';
import { makeCrashClient } from '../../testing/crash-client.ts';
import {
  countStrikes,
  openLane,
  strikeEverywhere,
  type Lane,
  type Strike,
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

const isReplay = ({ repeated }: Strike): boolean =>
  repeated !== undefined && 'replayed' in repeated && repeated.replayed;

const auditAll = async (): Promise<number[]> => {
  const findings = await Promise.all(lanes.map(({ db }) => auditSnapshot(db)));
  return findings.flat().map(({ violations }) => violations);
};

test('when the process dies after any statement of a booking, its payment, its cancellation or its refund, then a repeat with the key leaves one effect', async () => {
  // Query, Execute, Sync: what changes something. The others only prepare.
  const { strikes, broken } = await strikeEverywhere(lanes, {
    fault: 'silence',
    kinds: 'QES',
    kills: true,
  });
  process.stdout.write(`statement-crash: ${JSON.stringify(countStrikes(strikes))}\n`);
  expect(broken).toEqual([]);
  expect(new Set(await auditAll())).toEqual(new Set([0]));
  // Control: the deaths fell before the commit, whose repeat begins anew, and after it.
  for (const step of ['book', 'cancel']) {
    const inStep = strikes.filter(
      (strike) => strike.step === step && strike.heard?.status === 'none',
    );
    expect(inStep.some(isReplay)).toBe(true);
    expect(inStep.every(isReplay)).toBe(false);
  }
  expect(strikes.filter(({ step }) => step === 'refund').length).toBeGreaterThan(5);
}, 600_000);
