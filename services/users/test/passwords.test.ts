import { describe, expect, jest, test } from '@jest/globals';
import bcrypt from 'bcrypt';

import { makePasswords, type Bcrypt } from '../src/passwords.ts';

/** A bcrypt whose comparisons end when they are told to. */
const heldBcrypt = () => {
  const running: (() => void)[] = [];
  let most = 0;
  const held: Bcrypt = {
    hash: () => Promise.resolve('$2b$04$nobody'),
    compare: async () => {
      const ended = new Promise<void>((resolve) => running.push(resolve));
      most = Math.max(most, running.length);
      await ended;
      return true;
    },
  };
  return { held, running, most: () => most };
};

const turns = () => new Promise((resolve) => setImmediate(resolve));

describe('the queue of passwords', () => {
  test('when many come at once, then two run and the rest wait', async () => {
    const { held, running, most } = heldBcrypt();
    const passwords = await makePasswords({ cost: 4, bcrypt: held });
    const all = Array.from({ length: 6 }, () => passwords.matches('a password', '$2b$04$x'));
    await turns();
    expect(passwords.waiting()).toBe(4);
    while (running.length > 0) {
      running.shift()?.();
      await turns();
    }
    expect(await Promise.all(all)).toEqual(Array(6).fill(true));
    expect(most()).toBe(2);
    expect(passwords.waiting()).toBe(0);
  });

  test('when the queue is full, then the next one is refused with Retry-After, and a place is free later', async () => {
    const { held, running } = heldBcrypt();
    const passwords = await makePasswords({ cost: 4, maximumWaiting: 3, bcrypt: held });
    const all = Array.from({ length: 5 }, () => passwords.matches('a password', '$2b$04$x'));
    await turns();
    const refused = passwords.matches('a password', '$2b$04$x');
    await expect(refused).rejects.toMatchObject({
      code: 'overloaded',
      retryAfter: expect.any(Number),
    });
    running.shift()?.();
    await turns();
    all.push(passwords.matches('a password', '$2b$04$x'));
    while (running.length > 0) {
      running.shift()?.();
      await turns();
    }
    expect(await Promise.all(all)).toHaveLength(6);
  });

  test('when one fails, then its place is free again', async () => {
    const compare = jest.fn<Bcrypt['compare']>().mockRejectedValueOnce(new Error('broken'));
    compare.mockResolvedValue(true);
    const passwords = await makePasswords({
      cost: 4,
      concurrency: 1,
      bcrypt: { hash: () => Promise.resolve('$2b$04$x'), compare },
    });
    await expect(passwords.matches('a password', '$2b$04$x')).rejects.toThrow('broken');
    expect(await passwords.matches('a password', '$2b$04$x')).toBe(true);
  });
});

describe('what is compared', () => {
  test('when a password is longer than 72 bytes, then it is wrong though bcrypt would take it', async () => {
    const passwords = await makePasswords({ cost: 4 });
    const longest = 'x'.repeat(72);
    const hash = await passwords.hash(longest);
    // The control: this is what bcrypt itself says.
    expect(await bcrypt.compare(`${longest}y`, hash)).toBe(true);
    expect(await passwords.matches(`${longest}y`, hash)).toBe(false);
    expect(await passwords.matches(longest, hash)).toBe(true);
  });

  test('when a hash is named $2y$, then it is compared as $2b$', async () => {
    const passwords = await makePasswords({ cost: 4 });
    const hash = (await bcrypt.hash('a password', 4)).replace('$2b$', '$2y$');
    expect(await bcrypt.compare('a password', hash)).toBe(false); // the control
    expect(await passwords.matches('a password', hash)).toBe(true);
    expect(await passwords.matches('another', hash)).toBe(false);
    expect(passwords.isOutdated(hash)).toBe(false);
  });

  test('when there is no hash, then one comparison of the same cost is made and the answer is no', async () => {
    const compare = jest.fn<Bcrypt['compare']>(bcrypt.compare);
    const passwords = await makePasswords({ cost: 5, bcrypt: { hash: bcrypt.hash, compare } });
    expect(await passwords.matches('a password', undefined)).toBe(false);
    expect(compare.mock.calls).toHaveLength(1);
    expect(compare.mock.calls[0]?.[1]).toMatch(/^\$2b\$05\$.{53}$/);
  });

  test('when a hash has another cost than today, then it is outdated', async () => {
    const passwords = await makePasswords({ cost: 5 });
    expect(passwords.isOutdated(await bcrypt.hash('a password', 4))).toBe(true);
    expect(passwords.isOutdated(await bcrypt.hash('a password', 5))).toBe(false);
  });
});
