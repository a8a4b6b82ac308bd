import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { foldText } from '../src/text-folding.ts';

test.each([
  ['ΟΔΟΣ ΑΓΑΠΗΣ', 'οδος αγαπης'],
  ['Οδός Αγάπης', 'ΟΔΟΣ ΑΓΑΠΗΣ'],
  ['Große Freiheit', 'GROSSE FREIHEIT'],
  ['STRAẞE', 'strasse'],
  ['Amélie', 'Ame\u0301lie'],
  ['Amélie', 'amelie'],
  ['Łódź', 'lodz'],
  ['Kærlighed på række', 'KAERLIGHED PA RAEKKE'],
  ['İSTANBUL', 'istanbul'],
  ['ﬁn', 'FIN'],
  ['Ёлки', 'елки'],
  ['High  \u00a0Noon', 'high noon'],
])('%s and %s are the same to search', (one, other) => {
  expect(foldText(one)).toBe(foldText(other));
});

test.each([
  ['か', 'が'],
  ['की', 'का'],
  ['Ran', 'Run'],
])('%s and %s are different to search', (one, other) => {
  expect(foldText(one)).not.toBe(foldText(other));
});

const isOneFold = (value: string): boolean => {
  const folded = foldText(value);
  return [
    value.toLowerCase(),
    value.toUpperCase(),
    value.normalize('NFC'),
    value.normalize('NFD'),
    folded,
  ].every((variant) => foldText(variant) === folded);
};

test('every character folds like its other case and its other normal forms', () => {
  const differing: string[] = [];
  for (let code = 0; code <= 0x2ffff; code += 1) {
    const character = String.fromCodePoint(code);
    if (character.isWellFormed() && !isOneFold(character)) differing.push(code.toString(16));
  }
  expect(differing).toEqual([]);
});

test('any text folds like its other case and its other normal forms', () => {
  const letters = fc.string({
    unit: fc.constantFrom(...Array.from('aÀßẞσςΣΐŉǰfiﬁﬀſKÅıİøŁ \u0301\u0345\u0307か゛')),
    maxLength: 8,
  });
  fc.assert(fc.property(fc.oneof(letters, fc.string({ unit: 'binary' })), isOneFold), {
    numRuns: 2_000,
  });
});

test('a part of a text is found in any case, composed or decomposed', () => {
  const word = fc.string({
    unit: fc.constantFrom(...Array.from('aéßσςΣüñx')),
    minLength: 1,
    maxLength: 6,
  });
  const change = fc.constantFrom<(value: string) => string>(
    (value) => value.toUpperCase(),
    (value) => value.toLowerCase(),
    (value) => value.normalize('NFD'),
    (value) => value.normalize('NFC'),
  );
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), fc.nat(), change, (words, pick, as) => {
      const query = as(words[pick % words.length] ?? '');
      expect(foldText(words.join(' '))).toContain(foldText(query));
    }),
  );
});
