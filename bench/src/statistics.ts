/**
 * The value below or at which `share` of the values lie, by nearest rank: always one that occurred.
 * @param sorted ascending
 * @param share 0 to 1
 */
export const percentile = (sorted: ArrayLike<number>, share: number): number => {
  if (sorted.length === 0) return Number.NaN;
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[Math.min(rank, sorted.length) - 1] ?? Number.NaN;
};

/** The lower median; NaN without values. */
export const median = (values: readonly number[]): number =>
  percentile(Float64Array.from(values).sort(), 0.5);

/** How many times more; NaN where there is nothing to compare with. */
export const ratio = (ours: number, control: number): number =>
  control > 0 ? ours / control : Number.NaN;

/**
 * Whole seconds that a booking load may last before it could sell out: `rate` was measured while
 * everything was cold, so twice as fast must still fit.
 */
export const secondsUntilSoldOut = (seats: number, rate: number): number =>
  rate > 0 ? Math.max(1, Math.floor(seats / (2 * rate))) : Number.MAX_SAFE_INTEGER;
