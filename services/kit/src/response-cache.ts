import { LRUCache } from 'lru-cache';

/** A serialised answer with its validator. */
export type CachedResponse = { json: string; etag: string };

/**
 * How old a public read may be in its service: a quarter of the second that is promised in all
 * (docs/adr/0007). The gateway keeps it for half a second more; the rest is for the way.
 */
export const publicReadMs = 250;

const maximumBytes = 32 * 1024 * 1024;

export type ResponseCache = {
  get(key: string, load: () => Promise<CachedResponse>): Promise<CachedResponse>;
  /** Forgets everything, answers being loaded included: what follows a write sees it. */
  clear(): void;
};

type Entry = { answer: Promise<CachedResponse>; expires: number; bytes: number };

/**
 * Public reads, remembered for `ttlMs` counted from before their query began: an answer is never older.
 * Requests for one answer share one query. Bounded in entries and in bytes.
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
      // A failure is not remembered, or a moment's trouble would be everyone's for the whole time.
      answer.then(
        ({ json }) => {
          // Weighed now that its size is known; the cache weighs what it has not seen before.
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
