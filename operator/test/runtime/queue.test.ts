import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Registry } from '@movie-ticketing/kit/metrics';
import fc from 'fast-check';
import { makeControllerMetrics } from '../../src/runtime/metrics.ts';
import { WorkQueue, type QueueOptions } from '../../src/runtime/queue.ts';
import { heldWork, settle } from '../../testing/held-work.ts';

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const pass = async (ms: number): Promise<void> => {
  jest.advanceTimersByTime(ms);
  await settle();
};

const queueOf = (work: QueueOptions['work'], workers = 1, spacingMs = 0): WorkQueue =>
  new WorkQueue({
    spacingMs,
    name: 'test',
    work,
    workers,
    backoff: { baseMs: 5, capMs: 300_000 },
    metrics: makeControllerMetrics(new Registry()),
  });

describe('the work queue', () => {
  test('runs a key once that was added several times while it waited', async () => {
    const { work, counts, end } = heldWork();
    const queue = queueOf(work);
    for (let time = 0; time < 10; time += 1) queue.add('a');
    expect(queue.depth()).toBe(1);
    queue.start();
    await settle();
    await end('a');
    expect(counts.get('a')).toBe(1);
  });

  test('runs a key once more that was added while it ran', async () => {
    const { work, counts, end } = heldWork();
    const queue = queueOf(work, 2);
    queue.start();
    queue.add('a');
    await settle();
    queue.add('a');
    queue.add('a');
    await settle();
    expect(counts.get('a')).toBe(1);
    await end('a');
    expect(counts.get('a')).toBe(2);
    await end('a');
    expect(counts.get('a')).toBe(2);
  });

  test('runs other keys while a key waits for its own run to end', async () => {
    const { work, counts } = heldWork();
    const queue = queueOf(work, 2);
    queue.start();
    queue.add('a');
    await settle();
    queue.add('a');
    queue.add('b');
    await settle();
    expect(counts).toEqual(
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    );
  });

  test('tells a run that only time has caused from one that something or a failure has', async () => {
    const polls: boolean[] = [];
    let answers: (number | Error)[] = [];
    const queue = queueOf((_, isPoll) => {
      polls.push(isPoll);
      const answer = answers.shift() ?? 60_000;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    });
    queue.start();
    queue.add('a');
    await settle();
    await pass(60_000);
    expect(polls).toEqual([false, true]);
    // Added in the moment in which its time has passed: once, and as added.
    queue.add('a');
    await pass(60_000);
    expect(polls.slice(2)[0]).toBe(false);
    polls.length = 0;
    answers = [new Error('failed')];
    queue.add('a');
    await settle();
    await pass(1_000);
    expect(polls).toEqual([false, false]);
    await queue.stop();
  });

  test('never runs a key beside itself, even when the work adds its own key', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const queue = queueOf(async (key) => {
      running += 1;
      most = Math.max(most, running);
      runs += 1;
      if (runs < 3) queue.add(key);
      await Promise.resolve();
      running -= 1;
      return undefined;
    }, 3);
    queue.start();
    queue.add('a');
    for (let time = 0; time < 5; time += 1) await settle();
    expect({ runs, most }).toEqual({ runs: 3, most: 1 });
  });

  test('doubles the back-off of failing work up to its cap, until it succeeds', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(1);
    const outcomes = new Map<string, 'failed' | 'succeeded'>();
    const runs: { key: string; at: number }[] = [];
    const queue = queueOf((key) => {
      runs.push({ key, at: performance.now() });
      return outcomes.get(key) === 'succeeded'
        ? Promise.resolve(undefined)
        : Promise.reject(new Error());
    });
    queue.start();
    const pausesOf = (wanted: string): number[] => {
      const times = runs.filter(({ key }) => key === wanted).map(({ at }) => Math.round(at));
      return times.slice(1).map((at, index) => at - times[index]!);
    };
    queue.add('a');
    await settle();
    for (const ms of [5, 10, 20, 40]) await pass(ms);
    expect(pausesOf('a')).toEqual([5, 10, 20, 40]);
    for (let time = 0; time < 20; time += 1) await pass(300_000);
    expect(pausesOf('a').at(-1)).toBe(300_000);
    queue.add('b');
    await settle();
    await pass(5);
    expect(pausesOf('b')).toEqual([5]);

    outcomes.set('a', 'succeeded');
    await pass(300_000);
    const before = pausesOf('a').length;
    outcomes.delete('a');
    queue.add('a');
    await settle();
    await pass(5);
    expect(pausesOf('a').slice(before)).toEqual([expect.any(Number), 5]);
  });

  test('delays a rerun within a second by the growing back-off', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(1);
    const runsIn = async (againMs: number, ms: number): Promise<number> => {
      let runs = 0;
      const queue = queueOf(() => {
        runs += 1;
        return Promise.resolve(againMs);
      });
      queue.start();
      queue.add('a');
      for (let time = 0; time < ms; time += 5) await pass(5);
      await queue.stop();
      return runs;
    };
    // Delays of 5, 10, 20, ... 1,280 ms add up to 2.6 s.
    expect(await runsIn(0, 2_600)).toBe(10);
    // Control: a delay of a second is no retry.
    expect(await runsIn(1_000, 10_020)).toBe(11);
  });

  test('runs one key at most once in each spacing, and other keys at once', async () => {
    const runsIn = async (spacingMs: number): Promise<Map<string, number>> => {
      const runs = new Map<string, number>();
      const queue = queueOf(
        (key) => {
          runs.set(key, (runs.get(key) ?? 0) + 1);
          return Promise.resolve(undefined);
        },
        1,
        spacingMs,
      );
      queue.start();
      for (let time = 0; time < 100; time += 1) {
        queue.add('a');
        if (time % 50 === 0) queue.add('b');
        await pass(10);
      }
      await queue.stop();
      return runs;
    };
    // At 0, 250, 500, 750 and 1,000 ms.
    expect(Object.fromEntries(await runsIn(250))).toEqual({ a: 5, b: 2 });
    // Control: without spacing every event causes a run.
    expect(Object.fromEntries(await runsIn(0))).toEqual({ a: 100, b: 2 });
  });

  test('the earliest of several delays for one key wins', async () => {
    const { work, counts, end } = heldWork();
    const queue = queueOf(work);
    queue.start();
    for (const againMs of [10_000, 1_000, 5_000]) {
      queue.add('a');
      await settle();
      await end('a', { againMs });
    }
    expect(counts.get('a')).toBe(3);
    await pass(999);
    expect(counts.get('a')).toBe(3);
    await pass(1);
    expect(counts.get('a')).toBe(4);
    await end('a');
    await pass(100_000);
    expect(counts.get('a')).toBe(4);
  });

  test('does not run a key early whose delay is longer than a timer can be', async () => {
    const { work, counts, end } = heldWork();
    const queue = queueOf(work);
    queue.start();
    queue.add('a');
    await settle();
    await end('a', { againMs: 2 ** 40 });
    await pass(1_000);
    expect(counts.get('a')).toBe(1);
  });

  test('waits for running work and starts nothing else when it stops', async () => {
    const { work, counts, end } = heldWork();
    const queue = queueOf(work);
    queue.start();
    queue.add('c');
    await settle();
    await end('c', { againMs: 10 });
    queue.add('a');
    await settle();
    queue.add('a');
    queue.add('b');
    let stopped = false;
    const stopping = queue.stop().then(() => {
      stopped = true;
    });
    await settle();
    expect(stopped).toBe(false);
    await end('a', { againMs: 10 });
    await stopping;
    await pass(100);
    queue.add('d');
    await settle();
    expect(counts).toEqual(
      new Map([
        ['c', 1],
        ['a', 1],
      ]),
    );
  });

  test('no key has two workers and none is lost, whatever is added, ends or fails', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({ act: fc.constant('add' as const), key }),
      fc.record({ act: fc.constant('end' as const), key }),
      fc.record({ act: fc.constant('again' as const), key, ms: fc.nat(50) }),
      fc.record({ act: fc.constant('fail' as const), key }),
      fc.record({ act: fc.constant('wait' as const), ms: fc.nat(100) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(0, 30),
        async (steps, workers, spacingMs) => {
          const held = heldWork();
          const owed = new Set<string>(); // must still start after now
          const queue = queueOf(
            (one) => {
              owed.delete(one);
              return held.work(one);
            },
            workers,
            spacingMs,
          );
          queue.start();
          for (const one of steps) {
            if (one.act === 'wait') await pass(one.ms);
            else if (one.act === 'add') {
              owed.add(one.key);
              queue.add(one.key);
              await settle();
            } else if (held.held.has(one.key)) {
              if (one.act !== 'end') owed.add(one.key);
              const how = one.act === 'again' ? { againMs: one.ms } : 'failed';
              await held.end(one.key, one.act === 'end' ? 'succeeded' : how);
            }
            expect(held.held.size).toBeLessThanOrEqual(workers);
          }
          // Then all work succeeds: what is owed starts within bounded rounds.
          for (let round = 0; round < 20 && (owed.size > 0 || held.held.size > 0); round += 1) {
            await pass(600_000);
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
