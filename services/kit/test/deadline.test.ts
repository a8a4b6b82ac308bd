import { describe, expect, test } from '@jest/globals';

import { DeadlineExceeded, withDeadline } from '../src/deadline.ts';

const never = (): Promise<never> => new Promise(() => undefined);

describe('withDeadline', () => {
  test('stops waiting for work that ignores its signal', async () => {
    await expect(withDeadline(1, never)).rejects.toBeInstanceOf(DeadlineExceeded);
  });

  test('aborts the signal in time', async () => {
    const aborted = withDeadline(
      1,
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('aborted'));
          });
        }),
    );
    await expect(aborted).rejects.toThrow('aborted');
  });

  test('passes on a result and an error', async () => {
    await expect(withDeadline(60_000, () => Promise.resolve(1))).resolves.toBe(1);
    await expect(withDeadline(60_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});
