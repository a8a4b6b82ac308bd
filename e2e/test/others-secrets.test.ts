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

const secretsHeld = (): Promise<number> => operatorMetric('reflector_objects', /kind="Secret"/);

/** Another operator leads and has read its lists. */
const changeLeader = async (): Promise<void> => {
  const killed = await killLeader();
  await waitFor('another leads', async () => {
    const found = await leader();
    return found !== undefined && found !== killed;
  });
  await waitFor(
    'its lists',
    async () => (await operatorMetric('reflector_synced', /kind="Secret"/)) === 1,
  );
};

test('when others have megabytes of Secrets, then the operator holds none of them', async () => {
  const shop = await ensureShop();
  await changeLeader();
  const [before, held] = [await mebibytes(), await secretsHeld()];
  expect(held).toBeGreaterThan(0);

  await makeNamespace(namespace);
  const value = Buffer.alloc(100_000, 'x').toString('base64');
  const items = Array.from({ length: 300 }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `theirs-${String(index)}`, namespace },
    data: { value },
  }));
  await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

  await changeLeader();
  console.log(
    `An operator that began to lead holds ${String(await secretsHeld())} Secrets in ${String(await mebibytes())} MiB; ${String(before)} MiB before others made 300 of 100 kB`,
  );
  expect(await secretsHeld()).toBe(held);
  await shop.ready();
});
