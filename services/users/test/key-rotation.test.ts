import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { marginMs, planKeys, type KeyTimes, type RotationRules } from '../src/keys/key-rotation.ts';

const hour = 3_600_000;
const rules: RotationRules = { cacheMs: 300_000, tokenMs: 900_000, rotationMs: 30 * 24 * hour };

const key = (kid: string, signsFrom: number): KeyTimes => ({
  kid,
  createdAt: signsFrom,
  signsFrom,
});

describe('a request to replace keys', () => {
  const asked = { ...rules, replaceBefore: 2 * hour };

  test('creates a successor of a key that was created before it, once', () => {
    expect(planKeys([key('a', 0)], 2 * hour - 1, asked).create).toBeUndefined();
    const { create, signing } = planKeys([key('a', 0)], 2 * hour, asked);
    expect(create).toEqual({ signsFrom: 2 * hour + rules.cacheMs + marginMs });
    expect(signing).toBe('a');
    const successor = { kid: 'b', createdAt: 2 * hour, signsFrom: create?.signsFrom ?? 0 };
    expect(planKeys([key('a', 0), successor], 3 * hour, asked)).toMatchObject({ signing: 'b' });
    expect(planKeys([key('a', 0), successor], 3 * hour, asked).create).toBeUndefined();
  });

  test('leaves a key alone that is newer', () => {
    const newer = { kid: 'a', createdAt: 2 * hour, signsFrom: 2 * hour };
    expect(planKeys([newer], 3 * hour, asked).create).toBeUndefined();
  });
});

describe('the plan for signing keys', () => {
  test('without a key, one is created that signs at once', () => {
    expect(planKeys([], 5_000, rules)).toEqual({
      signing: undefined,
      published: [],
      create: { signsFrom: 5_000 },
      expired: [],
    });
  });

  test('a young key signs and no key is created', () => {
    expect(planKeys([key('a', 0)], hour, rules)).toEqual({
      signing: 'a',
      published: ['a'],
      expired: [],
    });
  });

  test('one successor is created one cache lifetime ahead', () => {
    const due = rules.rotationMs - rules.cacheMs - marginMs;
    expect(planKeys([key('a', 0)], due - 1, rules).create).toBeUndefined();
    const { create } = planKeys([key('a', 0)], due, rules);
    expect(create).toEqual({ signsFrom: rules.rotationMs });
    const both = [key('a', 0), key('b', rules.rotationMs)];
    expect(planKeys(both, due + 1, rules)).toEqual({
      signing: 'a',
      published: ['a', 'b'],
      expired: [],
    });
  });

  test('the old key verifies until its last token has expired', () => {
    const both = [key('a', 0), key('b', rules.rotationMs)];
    const over = rules.rotationMs + rules.tokenMs + marginMs;
    expect(planKeys(both, rules.rotationMs, rules).signing).toBe('b');
    expect(planKeys(both, over, rules)).toMatchObject({ published: ['a', 'b'], expired: [] });
    expect(planKeys(both, over + 1, rules)).toMatchObject({ published: ['b'], expired: ['a'] });
  });

  test('after the clock was set back before every key, the oldest signs and none is created', () => {
    expect(planKeys([key('b', 2 * hour), key('a', hour)], 0, rules)).toEqual({
      signing: 'a',
      published: ['a', 'b'],
      expired: [],
    });
  });
});

// A verifier fetches keys once a cache lifetime; tokens are signed at any moment.
describe('the life of keys over a long time', () => {
  const anyRules = fc.record({
    cacheMs: fc.integer({ min: 1_000, max: 24 * hour }),
    tokenMs: fc.integer({ min: 5_000, max: 24 * hour }),
    rotationMs: fc.integer({ min: 24 * hour, max: 365 * 24 * hour }),
  });
  // The worker runs at irregular times: mostly soon, sometimes after an outage.
  const anySteps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1, max: 2 * hour }) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 400 * 24 * hour }) },
    ),
    { minLength: 1, maxLength: 200 },
  );

  test('every signing key was published before it signs and stays until its tokens have expired', () => {
    fc.assert(
      fc.property(anyRules, anySteps, (testedRules, steps) => {
        let keys: KeyTimes[] = [];
        let now = 0;
        const signedLast = new Map<string, number>();
        for (const [round, step] of steps.entries()) {
          now += step;
          const plan = planKeys(keys, now, testedRules);
          if (plan.create !== undefined) {
            const { signsFrom } = plan.create;
            if (keys.length > 0)
              expect(signsFrom - now).toBeGreaterThanOrEqual(testedRules.cacheMs);
            keys = [...keys, { kid: `k${String(round)}`, createdAt: now, signsFrom }];
          }
          for (const kid of plan.expired) {
            const last = signedLast.get(kid);
            if (last !== undefined) expect(now).toBeGreaterThan(last + testedRules.tokenMs);
          }
          keys = keys.filter(({ kid }) => !plan.expired.includes(kid));
          const { signing, published } = planKeys(keys, now, testedRules);
          expect(published).toContain(signing);
          expect(signing).toBeDefined();
          signedLast.set(signing ?? '', now);
          expect(keys.length).toBeLessThanOrEqual(4);
          expect(keys.filter(({ signsFrom }) => signsFrom > now).length).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('two processes decide the same from the same rows', () => {
    const anyKeys = fc.uniqueArray(
      fc.record({ kid: fc.string(), createdAt: fc.constant(0), signsFrom: fc.nat(1e9) }),
      { selector: ({ kid }) => kid, maxLength: 6 },
    );
    fc.assert(
      fc.property(anyKeys, fc.nat(1e9), anyRules, (keys, now, testedRules) => {
        expect(planKeys(keys.toReversed(), now, testedRules)).toEqual(
          planKeys(keys, now, testedRules),
        );
      }),
    );
  });
});
