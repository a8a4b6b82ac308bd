import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { obsoleteBackups } from '../src/retention.ts';

const backups = fc
  .array(fc.boolean(), { maxLength: 20 })
  .map((flags) =>
    flags.map((isVerified, index) => ({ id: String(index).padStart(3, '0'), isVerified })),
  );

describe('retention', () => {
  test('never removes the last verified backup, nor one of the newest, nor any before a verification', () => {
    fc.assert(
      fc.property(backups, fc.integer({ min: 1, max: 10 }), (all, keep) => {
        const removed = obsoleteBackups(all, keep);
        const newest = all.slice(-keep).map(({ id }) => id);
        expect(removed.filter((id) => newest.includes(id))).toEqual([]);
        const lastVerified = all.findLast(({ isVerified }) => isVerified)?.id;
        if (lastVerified === undefined) expect(removed).toEqual([]);
        else expect(removed).not.toContain(lastVerified);
        expect(all.length - removed.length).toBeLessThanOrEqual(
          lastVerified === undefined ? all.length : keep + 1,
        );
      }),
    );
  });
});
