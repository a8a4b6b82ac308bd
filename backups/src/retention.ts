/**
 * The backups that are no longer needed: all but the `keep` newest. The newest verified one is always kept,
 * because the newer ones may turn out to be bad.
 * @param backups oldest first
 */
export const obsoleteBackups = (
  backups: readonly { id: string; isVerified: boolean }[],
  keep: number,
): string[] => {
  const kept = new Set(backups.slice(-Math.max(keep, 1)).map(({ id }) => id));
  const lastVerified = backups.findLast(({ isVerified }) => isVerified);
  if (lastVerified === undefined) return [];
  kept.add(lastVerified.id);
  return backups.map(({ id }) => id).filter((id) => !kept.has(id));
};
