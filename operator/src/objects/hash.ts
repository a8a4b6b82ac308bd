import { createHash } from 'node:crypto';

/** JSON with object fields in sorted order and without undefined fields. */
export const stableJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((item) => stableJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => `${JSON.stringify(name)}:${stableJson(field)}`);
    return `{${fields.join(',')}}`;
  }
  return JSON.stringify(value ?? null);
};

/** Ten hex digits of SHA-256: short enough for object names; reveals nothing about a Secret. */
export const shortHash = (value: unknown): string =>
  createHash('sha256').update(stableJson(value)).digest('hex').slice(0, 10);
