import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { makeQueue } from '../../src/runtime/queue.ts';
import { fakeTimers } from '../../testing/fake-timers.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

/** Work that goes on until the test ends it. */
const heldWork = () => {
  const held = new Map<string, { resolve: () => void; reject: () => void }>();
  const counts = new Map<string, number>();
  let overlaps = 0;
  return {
    held,
    counts,
    overlaps: () => overlaps,
    work: (key: string): Promise<void> => {
      if (held.has(key)) overlaps += 1;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return new Promise<void>((resolve, reject) => {
        held.set(key, { resolve, reject: () => reject(new Error('failed')) });
      });
    },
    end: async (key: string, well = true): Promise<void> => {
      const one = held.get(key);
      held.delete(key);
      if (well) one?.resolve();
      else one?.reject();
      await settle();
    },
  };
};

describe('the work queue', () => {
  test('when a key is added often while it waits, then it is worked on once', async () => {
    const { work, counts } = heldWork();
    const queue = makeQueue({ work, workers: 1 });
    for (let time = 0; time < 10; time += 1) queue.add('a');
    queue.start();
    expect(counts.get('a')).toBe(1);
  });

  test('when a key is added while it is worked on, then it comes again, once, after', async () => {
    const { work, counts, end } = heldWork();
    const queue = makeQueue({ work, workers: 2 });
    queue.start();
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(counts.get('a')).toBe(1);
    await end('a');
    expect(counts.get('a')).toBe(2);
    await end('a');
    expect(counts.get('a')).toBe(2);
  });

  test('when work adds its own key at once, then it is not run beside itself', async () => {
    let running = 0;
    let runs = 0;
    const queue = makeQueue({
      workers: 3,
      work: async (key) => {
        running += 1;
        expect(running).toBe(1);
        runs += 1;
        if (runs < 3) queue.add(key);
        await Promise.resolve();
        running -= 1;
      },
    });
    queue.start();
    queue.add('a');
    await settle();
    await settle();
    expect(runs).toBe(3);
  });

  test('when retries follow one another, then the backoff doubles up to its cap, till forget', () => {
    const timers = fakeTimers();
    jest.spyOn(Math, 'random').mockReturnValue(1);
    const queue = makeQueue({ work: async () => undefined, workers: 1, timers });
    expect(Array.from({ length: 4 }, () => queue.retry('a'))).toEqual([5, 10, 20, 40]);
    for (let time = 0; time < 20; time += 1) queue.retry('a');
    expect(queue.retry('a')).toBe(300_000);
    expect(queue.retry('b')).toBe(5);
    queue.forget('a');
    expect(queue.retry('a')).toBe(5);
  });

  test('when a key is added after several times, then the earliest counts, once', async () => {
    const timers = fakeTimers();
    const { work, counts, end } = heldWork();
    const queue = makeQueue({ work, workers: 1, timers });
    queue.start();
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 500);
    timers.advance(99);
    expect(counts.get('a')).toBeUndefined();
    timers.advance(1);
    expect(counts.get('a')).toBe(1);
    await end('a');
    timers.advance(10_000);
    expect(counts.get('a')).toBe(1);
  });

  test('when it stops, then what runs ends and nothing else begins', async () => {
    const timers = fakeTimers();
    const { work, counts, end } = heldWork();
    const queue = makeQueue({ work, workers: 1, timers });
    queue.start();
    queue.add('a');
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 10);
    let stopped = false;
    const stopping = queue.stop().then(() => {
      stopped = true;
    });
    await settle();
    expect(stopped).toBe(false);
    await end('a');
    await stopping;
    timers.advance(100);
    queue.add('d');
    expect([...counts.keys()]).toEqual(['a']);
  });

  test('whatever is added, ends or fails in whatever order, then no key has two workers and none is lost', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({ act: fc.constant('add' as const), key }),
      fc.record({ act: fc.constant('later' as const), key, ms: fc.nat(50) }),
      fc.record({ act: fc.constant('end' as const), key }),
      fc.record({ act: fc.constant('fail' as const), key }),
      fc.record({ act: fc.constant('wait' as const), ms: fc.nat(100) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, workers) => {
          const timers = fakeTimers();
          const held = heldWork();
          const owed = new Set<string>(); // must still be begun after now
          const queue = makeQueue({
            workers,
            timers,
            work: (one) => {
              owed.delete(one);
              return held.work(one);
            },
          });
          queue.start();
          for (const one of steps) {
            if (one.act === 'wait') timers.advance(one.ms);
            else if (one.act === 'end') await held.end(one.key);
            else if (one.act === 'fail') {
              if (held.held.has(one.key)) owed.add(one.key);
              await held.end(one.key, false);
            } else {
              owed.add(one.key);
              if (one.act === 'add') queue.add(one.key);
              else queue.addAfter(one.key, one.ms);
            }
            expect(held.held.size).toBeLessThanOrEqual(workers);
          }
          // Then all ends well: what is owed is begun within bounded rounds.
          for (let round = 0; round < 20 && (owed.size > 0 || held.held.size > 0); round += 1) {
            timers.advance(600_000);
            for (const running of [...held.held.keys()]) await held.end(running);
          }
          expect([...owed]).toEqual([]);
          expect(held.overlaps()).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
