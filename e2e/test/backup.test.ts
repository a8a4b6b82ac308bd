import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { audit } from '../testing/audit.ts';
import { bookingStatus, buyTicket } from '../testing/customer.ts';
import { apply, kubectl } from '../testing/kubectl.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import { makeTicketing, smallSpec, type Ticketing } from '../testing/ticketing.ts';
import { secondsSince } from '../testing/waiting.ts';

let cinema: Ticketing;
let restored: Ticketing;

const storage = { persistentVolumeClaim: { claimName: 'backups' } };

beforeAll(async () => {
  cinema = await ensureCinema();
  restored = makeTicketing(cinema.namespace, 'restored', 30_081);
  await apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'backups', namespace: cinema.namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
});

afterAll(async () => {
  await kubectl(['delete', 'mt', '-n', cinema.namespace, 'restored', '--ignore-not-found']);
  await cinema.change({ backup: null });
});

/** Runs a CronJob now, as docs/back-up-and-restore.md says. */
const runNow = async (component: 'backup' | 'verify', name: string): Promise<void> => {
  const from = `--from=cronjob/${cinema.name}-${component}`;
  await kubectl(['create', 'job', '-n', cinema.namespace, from, name]);
};

test('a backup is published, restored into a PostgreSQL of its own, and checked', async () => {
  await buyTicket(cinema.url);
  // Its schedules never come: the test runs both when it wants.
  await cinema.change({
    backup: { schedule: '0 0 30 2 *', verify: { schedule: '0 0 30 2 *' }, storage },
  });
  await cinema.condition('BackupHealthy', 'Unknown', /BackupPending/);
  const started = performance.now();
  await runNow('backup', 'backup-now');
  await cinema.condition('BackupHealthy', 'True', /BackupStored/, 180);
  console.log(`backed up in ${secondsSince(started)}`);
  await runNow('verify', 'verify-now');
  await cinema.condition('RestoreVerified', 'True', /Verified/, 180);
  console.log(`verified in ${secondsSince(started)}`);
  const { backup } = (await cinema.read())['status'];
  expect(backup).toMatchObject({ last: backup.verified, size: expect.any(Number) });
  expect(backup.rows).toBeGreaterThan(100);
  await cinema.ready();
});

test('a new resource is filled from the backup, and no acknowledged booking is lost', async () => {
  const { token, booking } = await buyTicket(cinema.url);
  await kubectl(['delete', 'job', '-n', cinema.namespace, 'backup-now']);
  await runNow('backup', 'backup-again');
  await kubectl([
    ...['wait', '-n', cinema.namespace, '--for=condition=complete', 'job/backup-again'],
    '--timeout=180s',
  ]);
  const started = performance.now();
  await restored.apply({ ...smallSpec(30_081), restoreFrom: { storage } });
  await restored.ready();
  console.log(`restored in ${secondsSince(started)}`);
  // The customer's token: the signing keys were restored, too.
  expect(await bookingStatus(restored.url, token, booking)).toBe('confirmed');
  const { holds, report } = await audit(restored);
  expect(holds ? '' : report).toBe('');
  const { status } = await restored.read();
  expect(status.restored.backup).toMatch(/^\d{8}T\d{6}Z$/);
  await buyTicket(restored.url);
});
