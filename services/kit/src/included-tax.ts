/**
 * The tax that a gross amount includes. The net amount is rounded half up to a whole minor unit, and the
 * tax is the rest, so that the two always add up.
 * @param gross in minor units
 * @param rateBp in basis points: 1900 is 19 %
 */
export const includedTax = (gross: number, rateBp: number): number => {
  const divisor = 10_000 + rateBp;
  return gross - Math.floor((gross * 10_000 * 2 + divisor) / (2 * divisor));
};
