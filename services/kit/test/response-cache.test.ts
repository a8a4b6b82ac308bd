import { describe, expect, test } from '@jest/globals';

import { makeResponseCache } from '../src/response-cache.ts';

const answer = (text: string) => ({ json: text, etag: `"${text}"` });

describe('the response cache', () => {
  test('loads a response again only after its lifetime', async () => {
    let clock = 0;
    let loads = 0;
    const cache = makeResponseCache({ ttlMs: 250, now: () => clock });
    const get = () => cache.get('/a', () => Promise.resolve(answer(String((loads += 1)))));
    await get();
    clock = 249;
    expect((await get()).etag).toBe('"1"');
    clock = 250;
    expect((await get()).etag).toBe('"2"');
  });

  test('clear() also removes a response that is being loaded', async () => {
    const cache = makeResponseCache({ ttlMs: 250 });
    let release: (it: ReturnType<typeof answer>) => void = () => undefined;
    const old = cache.get('/a', () => new Promise((resolve) => (release = resolve)));
    cache.clear();
    release(answer('old'));
    await old;
    expect((await cache.get('/a', () => Promise.resolve(answer('new')))).etag).toBe('"new"');
  });

  test('does not cache a failure', async () => {
    const cache = makeResponseCache({ ttlMs: 250 });
    await expect(cache.get('/a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect((await cache.get('/a', () => Promise.resolve(answer('back')))).etag).toBe('"back"');
  });

  test('evicts the oldest responses when the total size exceeds its limit', async () => {
    const cache = makeResponseCache({ ttlMs: 60_000 });
    let loads = 0;
    const get = (key: string) =>
      cache.get(key, () => {
        loads += 1;
        return Promise.resolve(answer('x'.repeat(8 * 1024 * 1024)));
      });
    for (const key of ['/1', '/2', '/3', '/4', '/5']) await get(key);
    await get('/1');
    expect(loads).toBe(6);
    await get('/5');
    expect(loads).toBe(6);
  });
});
