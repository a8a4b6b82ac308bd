import { expect, test } from '@jest/globals';
import { z } from 'zod';

import { plainMessage } from '../src/validation-messages.ts';

const messageOf = (schema: z.ZodType, value: unknown): string | undefined =>
  schema.safeParse(value, { error: plainMessage }).error?.issues[0]?.message;

test.each([
  [z.string(), undefined, 'is required'],
  [z.string(), 1, 'must be a string'],
  [z.int(), '1', 'must be a number'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.boolean(), 'yes', 'must be true or false'],
  [z.strictObject({}), [], 'must be an object'],
  [z.array(z.int()), {}, 'must be a list'],
  [z.int().max(1_440), 1_500, 'must be at most 1440'],
  [z.int().min(1), 0, 'must be at least 1'],
  [z.string().max(3), 'abcd', 'must have at most 3 characters'],
  [z.string().min(1), '', 'must have at least 1 character'],
  [z.array(z.int()).max(1), [1, 2], 'must have at most 1 entry'],
  [z.enum(['a', 'b']), 'c', 'must be one of: a, b'],
])('a value that %p refuses has a plain message', (schema, value, message) => {
  expect(messageOf(schema, value)).toBe(message);
});

test('a message of the schema itself is kept', () => {
  expect(messageOf(z.string('must be a title'), 1)).toBe('must be a title');
});
