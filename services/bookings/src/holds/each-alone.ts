/**
 * Does something for each of several screenings, one after the other, so that one that somebody holds
 * locked does not keep the others waiting until it is free.
 * @throws the first failure, once every other one was done
 */
export const eachAlone = async <T>(
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
