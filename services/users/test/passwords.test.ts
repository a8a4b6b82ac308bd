import { describe, expect, jest, test } from '@jest/globals';
import bcrypt from 'bcrypt';
import fc from 'fast-check';

import { newPassword } from '../src/passwords/passwords.schema.ts';
import { makePasswords, type Bcrypt } from '../src/passwords/passwords.ts';

const composed = 'prêt-à-porter';
const decomposed = composed.normalize('NFD');

describe('comparing a password', () => {
  test('rejects a password longer than 72 bytes that bcrypt accepts', async () => {
    const passwords = await makePasswords({ cost: 4 });
    const longest = 'x'.repeat(72);
    const hash = await passwords.hash(longest);
    expect(await bcrypt.compare(`${longest}y`, hash)).toBe(true); // the control
    expect(await passwords.matches(`${longest}y`, hash)).toBe(false);
    expect(await passwords.matches(longest, hash)).toBe(true);
  });

  test('accepts a composed and a decomposed spelling that bcrypt tells apart', async () => {
    const passwords = await makePasswords({ cost: 4 });
    expect(decomposed).not.toBe(composed);
    expect(await bcrypt.compare(decomposed, await bcrypt.hash(composed, 4))).toBe(false); // control
    for (const stored of [composed, decomposed]) {
      const hash = await passwords.hash(stored);
      expect(await passwords.matches(composed, hash)).toBe(true);
      expect(await passwords.matches(decomposed, hash)).toBe(true);
    }
  });

  test('accepts a hash that is written as $2y$', async () => {
    const passwords = await makePasswords({ cost: 4 });
    const hash = (await bcrypt.hash('a password', 4)).replace('$2b$', '$2y$');
    expect(await bcrypt.compare('a password', hash)).toBe(false); // the control
    expect(await passwords.matches('a password', hash)).toBe(true);
    expect(await passwords.matches('another', hash)).toBe(false);
    expect(passwords.isOutdated(hash)).toBe(false);
  });

  test('without a hash makes one comparison of the same cost and returns false', async () => {
    const compare = jest.fn<Bcrypt['compare']>(bcrypt.compare);
    const passwords = await makePasswords({ cost: 5, bcrypt: { hash: bcrypt.hash, compare } });
    expect(await passwords.matches('a password', undefined)).toBe(false);
    expect(compare.mock.calls).toHaveLength(1);
    expect(compare.mock.calls[0]?.[1]).toMatch(/^\$2b\$05\$.{53}$/);
  });

  test('a hash of another cost is outdated', async () => {
    const passwords = await makePasswords({ cost: 5 });
    expect(passwords.isOutdated(await bcrypt.hash('a password', 4))).toBe(true);
    expect(passwords.isOutdated(await bcrypt.hash('a password', 5))).toBe(false);
  });
});

describe('the length of a new password', () => {
  const isAllowed = (password: string): boolean => newPassword().safeParse(password).success;

  test('counts bytes of the composed form, for both spellings alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (text) => {
        const bytes = Buffer.byteLength(text.normalize('NFC'));
        const expected = bytes >= 8 && bytes <= 72 && !text.includes('\u0000');
        expect(isAllowed(text.normalize('NFC'))).toBe(expected);
        expect(isAllowed(text.normalize('NFD'))).toBe(expected);
      }),
    );
  });

  test('allows every decomposed spelling of 72 bytes: no character takes more than 1.5 characters a byte', () => {
    let most = 0;
    for (let code = 1; code <= 0x10ffff; code += 1) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const letter = String.fromCodePoint(code).normalize('NFC');
      most = Math.max(most, letter.normalize('NFD').length / Buffer.byteLength(letter));
    }
    expect(most).toBe(1.5);
    expect(isAllowed('ǖ'.repeat(36).normalize('NFD'))).toBe(true);
    expect(isAllowed('ǖ'.repeat(37).normalize('NFD'))).toBe(false);
  });
});
