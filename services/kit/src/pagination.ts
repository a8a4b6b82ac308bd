import { z } from 'zod';

import { limit } from './fields.ts';

/**
 * Keyset pagination. A cursor encodes the list's name and the sort key of the last row. It is opaque to
 * clients and validated as strictly as any other input.
 */
export const cursorOf = <Key extends z.ZodType>(list: string, key: Key) =>
  z
    .string()
    .min(1)
    .max(200)
    .transform((value, context): z.output<Key> => {
      const decoded = decode(value);
      const [name, ...values] = Array.isArray(decoded) ? (decoded as unknown[]) : [];
      const parsed = key.safeParse(values);
      // Node's decoder ignores characters outside base64url. Only the canonical encoding is accepted.
      if (parsed.success && name === list && pack(decoded) === value) return parsed.data;
      context.addIssue({ code: 'custom', message: 'is not a cursor of this list' });
      return z.NEVER;
    })
    .meta({
      override: {
        type: 'string',
        minLength: 1,
        maxLength: 200,
        // A cursor is an encoded JSON array whose first element is the name of the list.
        pattern: cursorPattern(list),
        description: '`next_cursor` of the previous page',
      },
    });

const decode = (value: string): unknown => {
  try {
    return JSON.parse(Buffer.from(value, 'base64url').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
};

const pack = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url');

const idKey = z.tuple([z.int().min(0).max(Number.MAX_SAFE_INTEGER)]);

/** The encoded name of the list with which each of its cursors begins, in whole groups of base64. */
const cursorPattern = (list: string): string => {
  const prefix = JSON.stringify([list]).slice(0, -1);
  const whole = prefix.slice(0, prefix.length - (prefix.length % 3));
  return `^${Buffer.from(whole).toString('base64url')}[A-Za-z0-9_-]+$`;
};

/** `limit` and `cursor` of a list sorted by id. */
export const pageById = (list: string) => ({
  limit: limit(),
  cursor: cursorOf(list, idKey).exactOptional(),
});

/**
 * The page and its next cursor, from rows that were read with `limit + 1`.
 * @param list the name of the list in its cursor
 * @param keyOf the sort key of a row for the cursor
 */
export const toPage = <Row>(
  list: string,
  rows: readonly Row[],
  size: number,
  keyOf: (row: Row) => readonly unknown[],
): { rows: Row[]; nextCursor: string | null } => {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    rows: page,
    nextCursor: rows.length > size && last !== undefined ? pack([list, ...keyOf(last)]) : null,
  };
};

/** The envelope of a list: `{"movies": [...], "next_cursor": null}`. */
export const listOf = <Name extends string, Item extends z.ZodType>(name: Name, item: Item) =>
  z.strictObject({ [name]: z.array(item), next_cursor: z.string().nullable() } as {
    [K in Name]: z.ZodArray<Item>;
  } & { next_cursor: z.ZodNullable<z.ZodString> });
