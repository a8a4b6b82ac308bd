import { describe, expect, test } from '@jest/globals';

import { hashRequest, type Replayable } from '../src/idempotency.ts';
import { makeInFlight } from '../src/in-flight.ts';

const request = (key: string, body: unknown = {}) => ({
  userId: 1,
  scope: 'POST /payments',
  key,
  requestHash: hashRequest(body),
});

/** Work that a test ends, and how often it was started. */
const makeWork = () => {
  let starts = 0;
  const ends: ((result: Replayable<number>) => void)[] = [];
  return {
    starts: () => starts,
    end: () => {
      ends.forEach((end, index) => {
        end({ result: index + 1, isReplay: false });
      });
    },
    run: () =>
      new Promise<Replayable<number>>((resolve) => {
        starts += 1;
        ends.push(resolve);
      }),
  };
};

describe('requests in flight', () => {
  test('1,000 repeats of one key share one look-up and are replays', async () => {
    const inFlight = makeInFlight<number>();
    const work = makeWork();
    const all = Array.from({ length: 1_001 }, () => inFlight(request('a'), work.run));
    work.end();
    const [first, ...repeats] = await Promise.all(all);
    expect(work.starts()).toBe(1);
    expect(first).toEqual({ result: 1, isReplay: false });
    for (const repeat of repeats) expect(repeat).toEqual({ result: 1, isReplay: true });
  });

  test('other keys, other bodies and requests without a key run on their own', async () => {
    const inFlight = makeInFlight<number>();
    const work = makeWork();
    const all = [request('a'), request('b'), request('a', { x: 1 }), undefined, undefined].map(
      (it) => inFlight(it, work.run),
    );
    work.end();
    await Promise.all(all);
    expect(work.starts()).toBe(5);
  });

  test('a request after the first has ended runs again', async () => {
    const inFlight = makeInFlight<number>();
    const failing = (): Promise<Replayable<number>> => Promise.reject(new Error('refused'));
    await expect(inFlight(request('a'), failing)).rejects.toThrow('refused');
    const work = makeWork();
    const second = inFlight(request('a'), work.run);
    work.end();
    expect(await second).toEqual({ result: 1, isReplay: false });
  });
});
