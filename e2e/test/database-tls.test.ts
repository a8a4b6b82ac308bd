import { X509Certificate } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { get, kubectl, list, patch } from '../testing/kubectl.ts';
import { startLoad, stopLoads } from '../testing/load.ts';
import { servedSerial } from '../testing/served-certificate.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import type { Ticketing } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

let cinema: Ticketing;

beforeAll(async () => {
  cinema = await ensureCinema();
});

afterAll(stopLoads);

const postgresPod = (): string => `${cinema.name}-postgres-0`;
const secretName = (): string => `${cinema.name}-certificate`;

const sessions = async (): Promise<string[]> => {
  const sql = `SELECT usename || ' ' || ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
    WHERE application_name LIKE 'movie-ticketing-%' GROUP BY usename, ssl`;
  const command = ['psql', '-U', 'postgres', '-d', 'movie_ticketing', '-Atc', sql];
  const output = await kubectl(['exec', '-n', cinema.namespace, postgresPod(), '--', ...command]);
  return output.split('\n').filter(Boolean);
};

const storedSerial = async (): Promise<string> => {
  const secret = await get(cinema.namespace, 'secret', secretName());
  const pem = Buffer.from(String(secret?.['data']['tls.crt']), 'base64');
  return new X509Certificate(pem).serialNumber;
};

const podUids = async (): Promise<string[]> =>
  (await list(cinema.namespace, 'pods'))
    .filter(({ status }) => status?.phase === 'Running')
    .map(({ metadata }) => metadata.uid)
    .sort();

test('every service speaks TLS to the database', async () => {
  await waitFor('sessions', async () => (await sessions()).length >= 3, { seen: sessions });
  for (const session of await sessions()) expect(session).toMatch(/ true$/);
  expect(await servedSerial(cinema.namespace, postgresPod())).toBe(await storedSerial());
});

test('renews the certificate under load without a restart, and no request fails', async () => {
  const load = await startLoad(cinema.url);
  await waitFor('load', () => Promise.resolve(load.answered() > 100));
  const before = { serial: await storedSerial(), pods: await podUids() };
  const started = performance.now();
  await patch(cinema.namespace, 'secret', secretName(), {
    metadata: { annotations: { 'movieticketing.io/renew-after': null } },
  });
  const served = () => servedSerial(cinema.namespace, postgresPod());
  await waitFor('the renewed certificate', async () => (await served()) !== before.serial, {
    // The kubelet renews the files of a mounted Secret within a minute or two.
    seconds: 240,
    seen: served,
  });
  console.log(`a renewed certificate is served after ${secondsSince(started)}`);
  expect(await served()).toBe(await storedSerial());
  await cinema.ready();
  const { requests, failed } = await load.stop();
  console.log(`${String(requests)} requests, ${String(failed.length)} failed`);
  expect(failed).toEqual([]);
  expect(await podUids()).toEqual(before.pods);
  for (const session of await sessions()) expect(session).toMatch(/ true$/);
});
