import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { marginMs, planKeys, type KeyTimes, type RotationRules } from '../src/key-rotation.ts';

const hour = 3_600_000;
const rules: RotationRules = { cacheMs: 300_000, tokenMs: 900_000, rotationMs: 30 * 24 * hour };

const key = (kid: string, signsFrom: number): KeyTimes => ({
  kid,
  createdAt: signsFrom,
  signsFrom,
});

describe('the plan for signing keys', () => {
  test('when there is no key, then one is made that signs at once', () => {
    expect(planKeys([], 5_000, rules)).toEqual({
      signing: undefined,
      published: [],
      create: { signsFrom: 5_000 },
      forget: [],
    });
  });

  test('when the key is young, then it signs and nothing is made', () => {
    expect(planKeys([key('a', 0)], hour, rules)).toEqual({
      signing: 'a',
      published: ['a'],
      forget: [],
    });
  });

  test('when the key nears its term, then a successor is made one cache lifetime ahead, once', () => {
    const due = rules.rotationMs - rules.cacheMs - marginMs;
    expect(planKeys([key('a', 0)], due - 1, rules).create).toBeUndefined();
    const { create } = planKeys([key('a', 0)], due, rules);
    expect(create).toEqual({ signsFrom: rules.rotationMs });
    const both = [key('a', 0), key('b', rules.rotationMs)];
    expect(planKeys(both, due + 1, rules)).toEqual({
      signing: 'a',
      published: ['a', 'b'],
      forget: [],
    });
  });

  test('when the successor signs, then the old key verifies until its last token has run out', () => {
    const both = [key('a', 0), key('b', rules.rotationMs)];
    const over = rules.rotationMs + rules.tokenMs + marginMs;
    expect(planKeys(both, rules.rotationMs, rules).signing).toBe('b');
    expect(planKeys(both, over, rules)).toMatchObject({ published: ['a', 'b'], forget: [] });
    expect(planKeys(both, over + 1, rules)).toMatchObject({ published: ['b'], forget: ['a'] });
  });

  test('when the clock was set back before every key, then the eldest signs and none is made', () => {
    expect(planKeys([key('b', 2 * hour), key('a', hour)], 0, rules)).toEqual({
      signing: 'a',
      published: ['a', 'b'],
      forget: [],
    });
  });
});

// A verifier that is never asked twice within its cache lifetime, and tokens signed at any moment.
describe('the life of keys over a long time', () => {
  const anyRules = fc.record({
    cacheMs: fc.integer({ min: 1_000, max: 24 * hour }),
    tokenMs: fc.integer({ min: 5_000, max: 24 * hour }),
    rotationMs: fc.integer({ min: 24 * hour, max: 365 * 24 * hour }),
  });
  // Rounds of the worker come when they come: mostly soon, at times after an outage.
  const anySteps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1, max: 2 * hour }) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 400 * 24 * hour }) },
    ),
    { minLength: 1, maxLength: 200 },
  );

  test('when rounds come at any times, then every signing key was known before and stays until its tokens ran out', () => {
    fc.assert(
      fc.property(anyRules, anySteps, (given, steps) => {
        let keys: KeyTimes[] = [];
        let now = 0;
        const signedLast = new Map<string, number>();
        for (const [round, step] of steps.entries()) {
          now += step;
          const plan = planKeys(keys, now, given);
          if (plan.create !== undefined) {
            const { signsFrom } = plan.create;
            if (keys.length > 0) expect(signsFrom - now).toBeGreaterThanOrEqual(given.cacheMs);
            keys = [...keys, { kid: `k${String(round)}`, createdAt: now, signsFrom }];
          }
          for (const kid of plan.forget) {
            const last = signedLast.get(kid);
            if (last !== undefined) expect(now).toBeGreaterThan(last + given.tokenMs);
          }
          keys = keys.filter(({ kid }) => !plan.forget.includes(kid));
          const { signing, published } = planKeys(keys, now, given);
          expect(published).toContain(signing);
          expect(signing).toBeDefined();
          signedLast.set(signing ?? '', now);
          expect(keys.length).toBeLessThanOrEqual(4);
          expect(keys.filter(({ signsFrom }) => signsFrom > now).length).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('when two processes decide on the same rows, then they decide the same', () => {
    const anyKeys = fc.uniqueArray(
      fc.record({ kid: fc.string(), createdAt: fc.constant(0), signsFrom: fc.nat(1e9) }),
      { selector: ({ kid }) => kid, maxLength: 6 },
    );
    fc.assert(
      fc.property(anyKeys, fc.nat(1e9), anyRules, (keys, now, given) => {
        expect(planKeys(keys.toReversed(), now, given)).toEqual(planKeys(keys, now, given));
      }),
    );
  });
});
