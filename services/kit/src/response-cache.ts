import { LRUCache } from 'lru-cache';

/** A serialized response with its ETag. */
export type CachedResponse = { json: string; etag: string; immutable?: boolean };

/**
 * The maximum age of a public read in its service: a quarter of the second that the API promises
 * (docs/adr/0007). The gateway caches for another half second; the rest is for the network.
 */
export const publicReadMs = 250;

const maximumBytes = 32 * 1024 * 1024;

export type ResponseCache = {
  get(key: string, load: () => Promise<CachedResponse>): Promise<CachedResponse>;
  /** Removes every entry, also those being loaded, so that reads after a write see it. */
  clear(): void;
};

type Entry = { answer: Promise<CachedResponse>; expires: number; bytes: number };

/**
 * Caches public reads for `ttlMs`, counted from before the query starts, so that no response is older.
 * Concurrent requests for one key share one query. The number of entries and of bytes is limited.
 */
export const makeResponseCache = (options: {
  ttlMs: number;
  maxEntries?: number;
  now?: () => number;
}): ResponseCache => {
  const now = options.now ?? (() => performance.now());
  const entries = new LRUCache<string, Entry>({
    max: options.maxEntries ?? 2_000,
    maxSize: maximumBytes,
    sizeCalculation: (entry, key) => entry.bytes + key.length,
  });
  return {
    get: (key, load) => {
      const started = now();
      const known = entries.get(key);
      if (known !== undefined && started < known.expires) return known.answer;
      const answer = load();
      const entry: Entry = { answer, expires: started + options.ttlMs, bytes: 1 };
      entries.set(key, entry);
      // A failure is not cached: later requests load again.
      answer.then(
        ({ json }) => {
          // Set again as a new entry: the cache computes the size of new entries only.
          if (entries.peek(key) === entry)
            entries.set(key, { ...entry, bytes: Buffer.byteLength(json) });
        },
        () => {
          if (entries.peek(key) === entry) entries.delete(key);
        },
      );
      return answer;
    },
    clear: () => {
      if (entries.size > 0) entries.clear();
    },
  };
};
