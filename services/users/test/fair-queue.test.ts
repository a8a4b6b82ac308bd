import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { QueueClient } from '../src/passwords/fair-lines.ts';
import { makeFairQueue } from '../src/passwords/fair-queue.ts';

const client = (network: string, isKnown = false): QueueClient => ({ network, isKnown });

/** A queue of one turn at a time whose turns end when the test says so. */
const makeHeldQueue = async (maximumWaiting = 200, concurrency = 1) => {
  const queue = makeFairQueue({ turnMs: 50, concurrency, maximumWaiting });
  const started: string[] = [];
  const refused: string[] = [];
  const ends: (() => void)[] = [];
  const add = (name: string, who: QueueClient): Promise<void> =>
    queue
      .run(who, () => {
        started.push(name);
        return new Promise<void>((resolve) => ends.push(resolve));
      })
      .catch(() => {
        refused.push(name);
      });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const endTurn = async (): Promise<void> => {
    ends.shift()?.();
    await settle();
  };
  const drain = async (): Promise<void> => {
    while (ends.length > 0) await endTurn();
  };
  await settle();
  return { queue, add, started, refused, settle, endTurn, drain };
};

describe('the fair queue', () => {
  test('runs two at a time and lets the others wait', async () => {
    const held = await makeHeldQueue(200, 2);
    for (let n = 0; n < 6; n += 1) void held.add(String(n), client('a'));
    await held.settle();
    expect(held.started).toEqual(['0', '1']);
    expect(held.queue.waiting()).toBe(4);
    await held.drain();
    expect(held.started).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(held.queue.waiting()).toBe(0);
  });

  test('networks take turns, so that a flood delays another network by one turn', async () => {
    const held = await makeHeldQueue();
    for (let n = 0; n < 150; n += 1) void held.add(`flood ${String(n)}`, client('flood'));
    void held.add('other', client('other'));
    await held.settle();
    await held.endTurn();
    await held.endTurn();
    expect(held.started).toEqual(['flood 0', 'flood 1', 'other']);
    await held.drain();
  });

  test('a known user goes first within a network', async () => {
    const held = await makeHeldQueue();
    for (let n = 0; n < 5; n += 1) void held.add(`stranger ${String(n)}`, client('a'));
    void held.add('known', client('a', true));
    await held.settle();
    await held.endTurn();
    expect(held.started).toEqual(['stranger 0', 'known']);
    await held.drain();
  });

  test('refuses with Retry-After when it is full, and has room again later', async () => {
    const { queue, add, drain, settle } = await makeHeldQueue(3);
    for (let n = 0; n < 4; n += 1) void add(String(n), client('a'));
    await settle();
    const refused = queue.run(client('a'), () => Promise.resolve());
    await expect(refused).rejects.toMatchObject({
      code: 'overloaded',
      retryAfter: expect.any(Number),
    });
    await drain();
    expect(await queue.run(client('a'), () => Promise.resolve('done'))).toBe('done');
  });

  test('when it is full, a network with a shorter line takes the place of the last of the longest', async () => {
    const held = await makeHeldQueue(3);
    for (let n = 0; n < 4; n += 1) void held.add(`flood ${String(n)}`, client('flood'));
    void held.add('other', client('other'));
    await held.settle();
    expect(held.refused).toEqual(['flood 3']);
    void held.add('known', client('flood', true));
    await held.settle();
    expect(held.refused).toEqual(['flood 3', 'flood 2']);
    await held.drain();
    expect(held.started).toEqual(['flood 0', 'known', 'other', 'flood 1']);
  });

  test('a turn that fails is passed on', async () => {
    const queue = makeFairQueue({ turnMs: 50, concurrency: 1, maximumWaiting: 10 });
    const broken = queue.run(client('a'), () => Promise.reject(new Error('broken')));
    await expect(broken).rejects.toThrow('broken');
    expect(await queue.run(client('a'), () => Promise.resolve(7))).toBe(7);
  });

  test('whatever has arrived, a request from an idle network waits for at most one turn of each network', async () => {
    const arrivals = fc.array(
      fc.record({ network: fc.constantFrom('a', 'b', 'c', 'd', 'e'), isKnown: fc.boolean() }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(arrivals, fc.integer({ min: 1, max: 20 }), async (before, maximum) => {
        const held = await makeHeldQueue(maximum);
        for (const [n, who] of before.entries()) void held.add(`${who.network}${String(n)}`, who);
        await held.settle();
        const networks = new Set(before.map(({ network }) => network)).size;
        const startedBefore = held.started.length;
        void held.add('newcomer', client('newcomer'));
        await held.settle();
        expect(held.queue.waiting()).toBeLessThanOrEqual(maximum);
        // With room for fewer than two requests a network, the newcomer may be refused.
        if (held.refused.includes('newcomer')) {
          expect(maximum).toBeLessThanOrEqual(networks);
        } else {
          for (let turn = 0; turn <= networks; turn += 1) await held.endTurn();
          const turns = held.started.indexOf('newcomer') - startedBefore;
          expect(held.started).toContain('newcomer');
          expect(turns).toBeLessThanOrEqual(networks);
        }
        await held.drain();
        expect(held.queue.waiting()).toBe(0);
        expect(held.started.length + held.refused.length).toBe(before.length + 1);
      }),
      { numRuns: 200 },
    );
  });
});
