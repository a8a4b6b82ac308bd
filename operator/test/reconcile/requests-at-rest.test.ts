import { afterAll, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { makeReconcile } from '../../src/reconcile/reconcile-resource.ts';
import type { KubeClient } from '../../src/runtime/client.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { testSettings } from '../../testing/example-resource.ts';
import {
  administrator,
  installBase,
  makeResource,
  operatorClient,
} from '../../testing/operator-scene.ts';
import { settleWorkloads } from '../../testing/pretend-controllers.ts';
import { recordCalls } from '../../testing/recorded-client.ts';
import { silentLogger } from '../../testing/runtime-scene.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(() => api?.stop());

/** Counts reads of objects that do not exist. */
const countMissing = (client: KubeClient): { client: KubeClient; missing: () => number } => {
  let count = 0;
  const get: KubeClient['get'] = async (ref, call) => {
    const found = await client.get(ref, call);
    if (found === undefined) count += 1;
    return found as never;
  };
  return { client: { ...client, get }, missing: () => count };
};

// Both resources exist at once, so the cluster chooses their ports.
const service = { nodePort: 0 };
const onePod = { replicas: 1 };
const specs: [string, object][] = [
  ['two pods of each service', { gateway: { service } }],
  [
    'one pod of each service',
    {
      services: { catalog: onePod, users: onePod, bookings: onePod },
      gateway: { ...onePod, service },
    },
  ],
];

for (const [title, spec] of specs)
  testIf(hasApiServer, lacksApiServer)(
    `a reconcile at rest with ${title} reads at most 25 times, nothing that is missing, and writes nothing`,
    async () => {
      const admin = await administrator(api!);
      const kubelet = await administrator(api!, 'kubelet');
      await installBase(admin);
      const namespace = await api!.namespace();
      const counted = countMissing(await operatorClient(api!));
      const recorded = recordCalls(counted.client);
      const resource = await makeResource(admin, namespace, {
        ...spec,
        seed: { mode: 'demo' },
      });
      const reconcile = makeReconcile({
        client: recorded.client,
        settings: testSettings,
        recordEvent: () => undefined,
        logger: silentLogger(),
      });
      const key = `${namespace}/${resource.metadata.name}`;
      for (let round = 0; round < 15; round += 1) {
        await reconcile(key);
        await settleWorkloads(kubelet, namespace);
      }
      // Control: while the resource is installed, missing objects are read by name.
      expect(counted.missing()).toBeGreaterThan(0);

      const missingBefore = counted.missing();
      recorded.calls.length = 0;
      await reconcile(key);
      expect(recorded.writes()).toEqual([]);
      expect(counted.missing() - missingBefore).toBe(0);
      expect(recorded.calls.length).toBeLessThanOrEqual(25);
    },
    300_000,
  );
