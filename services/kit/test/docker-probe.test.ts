import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { probeDocker } from '../testing/docker-probe.ts';

let engine: Server | undefined;

/** An engine that answers these paths; null never answers. */
const engineWith = async (answers: Record<string, string | null>): Promise<string> => {
  engine = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const body = answers[path];
    if (body === null) return;
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body);
  }).listen(0, '127.0.0.1');
  await once(engine, 'listening');
  return `tcp://127.0.0.1:${String((engine.address() as AddressInfo).port)}`;
};

afterEach(() => {
  engine?.closeAllConnections();
  engine?.close();
  engine = undefined;
});

const IMAGE = '/images/postgres:17/json';

test('is usable with engine and image, with or without the reaper', async () => {
  const without = await engineWith({ '/_ping': 'OK', [IMAGE]: '{}', '/images/json': '[]' });
  expect(await probeDocker('postgres:17', without)).toEqual({ usable: true, reaperImage: false });
  engine?.close();
  const reaper = await engineWith({ '/_ping': 'OK', [IMAGE]: '{}', '/images/json': '[{}]' });
  expect(await probeDocker('postgres:17', reaper)).toEqual({ usable: true, reaperImage: true });
});

test.each([
  ['has no such image', { '/_ping': 'OK' }, 'Docker has no image postgres:17'],
  ['hangs', { '/_ping': null }, 'no Docker engine answers'],
])('is not usable, with the reason, when the engine %s', async (_, answers, why) => {
  const found = await probeDocker('postgres:17', await engineWith(answers));
  expect(found).toEqual({ usable: false, why: expect.stringContaining(why) });
});

test('names the address where no engine answers', async () => {
  const nowhere = 'unix:///nowhere/docker.sock';
  expect(await probeDocker('postgres:17', nowhere)).toEqual({
    usable: false,
    why: `no Docker engine answers at ${nowhere}`,
  });
});
