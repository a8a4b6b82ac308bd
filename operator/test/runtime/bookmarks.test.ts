import { afterAll, expect, jest } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { Registry } from '@movie-ticketing/kit/metrics';
import { makeControllerMetrics } from '../../src/runtime/metrics.ts';
import { Reflector } from '../../src/runtime/reflector.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import {
  configMap,
  configMaps,
  silentLogger,
  until,
  withScene,
} from '../../testing/runtime-scene.ts';

// Bookmarks come from the watch cache.
const api = hasApiServer ? await startApiServer({ watchCache: true }) : undefined;
afterAll(() => api?.stop());

testIf(hasApiServer, lacksApiServer)(
  'resumes a watch from a bookmark without a list after its version has expired',
  () =>
    withScene(api!, async (scene) => {
      const { client, direct, namespace, proxy } = scene;
      const elsewhere = await api!.namespace();
      // A bookmark comes every minute and two seconds before the server ends a watch: here after a second.
      const random = jest.spyOn(Math, 'random').mockReturnValue(0);
      const changes: string[] = [];
      const reflector = new Reflector({
        client,
        kind: configMaps,
        namespace,
        logger: silentLogger(),
        metrics: makeControllerMetrics(new Registry()),
        pace: { watchSeconds: 3, backoff: { baseMs: 100, capMs: 100 } },
        onChange: (key) => changes.push(key),
      });
      const { resourceVersion: old } = await client.list(configMaps, { namespace });
      reflector.start();
      await until('watching', () => watchedFrom(proxy.seen).length === 1);
      for (const name of ['a', 'b', 'c']) await direct.apply(configMap(elsewhere, name));
      await until('resumed', () => watchedFrom(proxy.seen).length === 2);
      const [first = '', resumed = ''] = watchedFrom(proxy.seen);
      expect(Number(resumed)).toBeGreaterThan(Number(first));

      random.mockRestore();
      await api!.compact(resumed);
      await api!.restart({ watchCache: false }); // its watch cache would still know the old versions
      // Control: without a bookmark a list would be needed.
      const options = { namespace, timeoutSeconds: 5, idleTimeoutMs: 5_000 };
      const signal = AbortSignal.timeout(5_000);
      const events = client.watch(configMaps, { ...options, resourceVersion: old, signal });
      const firstEvent = events[Symbol.asyncIterator]().next();
      await expect(firstEvent).rejects.toMatchObject({ status: 410 });
      await direct.apply(configMap(namespace, 'fresh'));
      await until('the new object is seen', () => changes.length === 1);
      await reflector.stop();
      expect(changes).toEqual([`${namespace}/fresh`]);
      // The list of this test and the first one of the reflector.
      expect(proxy.seen.filter((one) => one.includes('limit='))).toHaveLength(2);
    }),
  90_000,
);

const watchedFrom = (seen: string[]): string[] =>
  seen.flatMap((one) => (one.includes('watch=true') ? /resourceVersion=(\d+)/.exec(one)![1]! : []));
