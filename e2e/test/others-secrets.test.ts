import { afterAll, expect, test } from '@jest/globals';

import { kubectl } from '../testing/kubectl.ts';
import { killLeader, leader, operatorMetric } from '../testing/operator.ts';
import { ensureShop } from '../testing/shared-shop.ts';
import { makeNamespace } from '../testing/ticketing.ts';
import { waitFor } from '../testing/waiting.ts';

const namespace = 'e2e-others';

afterAll(() => kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']));

const mebibytes = async (): Promise<number> =>
  Math.round((await operatorMetric('process_resident_memory_bytes')) / 2 ** 20);

/** Another operator leads, has read its lists and worked on what they name. */
const changeLeader = async (): Promise<void> => {
  const killed = await killLeader();
  await waitFor('another leads', async () => {
    const found = await leader();
    return found !== undefined && found !== killed;
  });
  await waitFor(
    'its work',
    async () => (await operatorMetric('controller_runtime_reconcile_total')) > 0,
  );
};

test('when others have a hundred megabytes of Secrets, then the operator holds none of them', async () => {
  const shop = await ensureShop();
  await changeLeader();
  const before = await mebibytes();

  await makeNamespace(namespace);
  const value = Buffer.alloc(120_000, 'x').toString('base64');
  for (let batch = 0; batch < 6; batch += 1) {
    const items = Array.from({ length: 100 }, (_, index) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `theirs-${String(batch)}-${String(index)}`, namespace },
      data: { value },
    }));
    await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  await changeLeader();
  const after = await mebibytes();
  console.log(
    `an operator that begins to lead holds ${String(after)} MiB; ${String(before)} MiB before others made 600 Secrets, 96 MB`,
  );
  // One copy of them, as text or parsed, would be more than this.
  expect(after - before).toBeLessThan(50);
  await shop.ready();
});
