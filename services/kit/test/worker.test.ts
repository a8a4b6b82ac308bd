import { expect, test } from '@jest/globals';

import { makeLogger } from '../src/logging.ts';
import { Registry } from '../src/metrics.ts';
import { startWorker } from '../src/worker.ts';

const valueOf = async (registry: Registry, name: string): Promise<number | undefined> => {
  const metric = (await registry.getMetricsAsJSON()).find((found) => found.name === name);
  return metric?.values[0]?.value;
};

const lastSuccess = (registry: Registry) =>
  valueOf(registry, 'worker_last_success_timestamp_seconds');

/** Runs until the work has been called that often. */
const runs = async (registry: Registry, calls: number, work: () => void): Promise<void> => {
  let left = calls;
  await new Promise<void>((resolve) => {
    const worker = startWorker({
      name: 'test_work',
      intervalMs: 1,
      logger: makeLogger({ service: 'test', level: 'silent' }),
      registry,
      work: () => {
        left -= 1;
        if (left <= 0) void worker.stop().then(resolve);
        work();
        return Promise.resolve(false);
      },
    });
  });
};

test('a worker tells when it last succeeded, and that it failed by telling nothing new', async () => {
  const registry = new Registry();
  await runs(registry, 3, () => undefined);
  const succeeded = await lastSuccess(registry);
  expect(succeeded).toBeGreaterThan(Date.now() / 1_000 - 60);
  expect(await valueOf(registry, 'worker_interval_seconds')).toBe(0.001);

  const failing = new Registry();
  const started = Date.now() / 1_000;
  await runs(failing, 5, () => {
    throw new Error('the database is down');
  });
  // The start counts as a success: a worker that never succeeds is late from then on.
  expect(await lastSuccess(failing)).toBeLessThan(started + 0.02);
});
