/** For tests with fake timers: lets what is resolved run. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

/** Work that runs until the test ends it. */
export const heldWork = () => {
  const held = new Map<string, { resolve: (againMs?: number) => void; reject: () => void }>();
  const counts = new Map<string, number>();
  let overlaps = 0;
  return {
    held,
    counts,
    overlaps: () => overlaps,
    work: (key: string): Promise<number | undefined> => {
      if (held.has(key)) overlaps += 1;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return new Promise((resolve, reject) => {
        held.set(key, { resolve, reject: () => reject(new Error('failed')) });
      });
    },
    end: async (key: string, how: 'succeeded' | 'failed' | { againMs: number } = 'succeeded') => {
      const one = held.get(key);
      held.delete(key);
      if (how === 'failed') one?.reject();
      else one?.resolve(how === 'succeeded' ? undefined : how.againMs);
      await settle();
    },
  };
};
