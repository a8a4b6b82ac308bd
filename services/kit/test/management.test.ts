import { expect, test } from '@jest/globals';
import { managementListener } from '../src/management.ts';
import { Registry } from '../src/metrics.ts';
import { startServer } from '../src/server.ts';

test('/livez reports a process that only a restart can repair; /metrics answers', async () => {
  const state = {
    unhealthyReason: undefined as string | undefined,
    missing: 'not synced' as string | undefined,
  };
  const listener = managementListener({
    registry: new Registry(),
    readiness: async () => state.missing,
    isStopping: () => false,
    unhealthyReason: () => state.unhealthyReason,
  });
  const server = await startServer({ listener, host: '127.0.0.1', port: 0 });
  const status = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${String(server.port)}${path}`)).status;
  expect(await status('/livez')).toBe(200);
  expect(await status('/readyz')).toBe(503);
  expect(await status('/metrics')).toBe(200);
  state.unhealthyReason = 'no watch event for an hour';
  state.missing = undefined;
  expect(await status('/livez')).toBe(503);
  expect(await status('/readyz')).toBe(200);
  await server.stop(100);
});
