/**
 * Seat maps: a bit for each seat, in the order of the seat plan. PostgreSQL holds them as `bit varying`,
 * whose text has one character a seat. The API has them in base64: bit i of the map is bit i mod 8 of
 * byte i / 8, counted from the least significant one.
 */

/** `bit varying` text as base64; empty for a screening without a seat plan. */
export const toBase64 = (bits: string | null): string => {
  if (bits === null) return '';
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const i of positionsIn(bits)) {
    bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
  }
  return bytes.toString('base64');
};

/** The positions that are set in `bit varying` text. */
export const positionsIn = (bits: string): number[] => {
  const positions: number[] = [];
  for (let i = bits.indexOf('1'); i !== -1; i = bits.indexOf('1', i + 1)) positions.push(i);
  return positions;
};

/** The `bit varying` text of a map of `length` seats in which `seats` are set. */
export const bitsOf = (length: number, seats: Iterable<number>): string => {
  const bits = Buffer.alloc(length, '0');
  for (const seat of seats) bits[seat] = 0x31; // '1'
  return bits.toString('latin1');
};
