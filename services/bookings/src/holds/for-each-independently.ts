/**
 * Runs `work` for each item, one after the other, and continues after a failure: a screening that another
 * transaction holds locked does not delay the others.
 * @throws the first failure, after all items were tried
 */
export const forEachIndependently = async <T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const failures: unknown[] = [];
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
};
