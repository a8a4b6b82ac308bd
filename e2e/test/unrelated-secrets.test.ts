import { afterAll, expect, test } from '@jest/globals';

import { kubectl } from '../testing/kubectl.ts';
import { killLeader, leader, operatorMetric } from '../testing/operator.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import { makeNamespace } from '../testing/ticketing.ts';
import { waitFor } from '../testing/waiting.ts';

const namespace = 'e2e-unrelated';

afterAll(() => kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']));

const mebibytes = async (): Promise<number> =>
  Math.round((await operatorMetric('process_resident_memory_bytes')) / 2 ** 20);

/** Waits until another operator leads and has reconciled. */
const changeLeader = async (): Promise<void> => {
  const killed = await killLeader();
  await waitFor('another leader', async () => {
    const found = await leader();
    return found !== undefined && found !== killed;
  });
  await waitFor(
    'its first reconcile',
    async () => (await operatorMetric('controller_runtime_reconcile_total')) > 0,
  );
};

test('holds none of 100 MB of unrelated Secrets in memory', async () => {
  const cinema = await ensureCinema();
  await changeLeader();
  const before = await mebibytes();

  await makeNamespace(namespace);
  const value = Buffer.alloc(120_000, 'x').toString('base64');
  for (let batch = 0; batch < 6; batch += 1) {
    const items = Array.from({ length: 100 }, (_, index) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `unrelated-${String(batch)}-${String(index)}`, namespace },
      data: { value },
    }));
    await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  await changeLeader();
  const after = await mebibytes();
  console.log(
    `a new leader uses ${String(after)} MiB; ${String(before)} MiB before 600 unrelated Secrets (96 MB) existed`,
  );
  // A copy of them, as text or parsed, would be larger.
  expect(after - before).toBeLessThan(50);
  await cinema.ready();
});
