/** Letters with a stroke or a ligature have no decomposition; these are the base letters of UCA's primary level. */
const baseLetters: Readonly<Record<string, string>> = {
  Ø: 'O',
  Ł: 'L',
  Đ: 'D',
  Ħ: 'H',
  Ŧ: 'T',
  Æ: 'AE',
  Œ: 'OE',
};

// Marks that any script uses (accents, Arabic vowels), and Hebrew points. The vowel signs of Indic
// scripts and the voicing marks of Japanese are not accents: without them the word is another one.
const accents = /[[\p{Mn}&&[\p{Script=Inherited}\p{Script=Hebrew}]]--[\u3099\u309a]]/gv;

/**
 * Text as search compares it: without case, accents and repeated white space. Lower case before upper case
 * is full case folding: `ẞ` becomes ß becomes SS, and all three sigmas become Σ. Both the stored text
 * and the query pass through here, so the result is compared, never shown.
 */
export const foldText = (text: string): string =>
  text
    .normalize('NFD')
    .toLowerCase()
    .toUpperCase()
    .normalize('NFD')
    .replace(accents, '')
    .replace(/[ØŁĐĦŦÆŒ]/gu, (letter) => baseLetters[letter] ?? letter)
    .replace(/\s+/gu, ' ')
    .normalize('NFC');
