import type { z } from 'zod';

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

const units: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
};

/** `must be at most 10`, `must have at most 10 characters` */
const limitMessage = (origin: string, word: string, limit: unknown): string => {
  const unit = units[origin];
  if (unit === undefined) return `must be at ${word} ${String(limit)}`;
  return `must have at ${word} ${String(limit)} ${Number(limit) === 1 ? unit[0] : unit[1]}`;
};

/**
 * The messages of rules that a schema gives no message of its own, in the words of the others: "must be
 * ...". They follow the name of the field. Passed to zod as `safeParse(value, { error: plainMessage })`.
 */
export const plainMessage: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is required'
        : `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case 'too_big':
      return limitMessage(issue.origin, 'most', issue.maximum);
    case 'too_small':
      return limitMessage(issue.origin, 'least', issue.minimum);
    case 'invalid_value':
      return `must be one of: ${issue.values.map(String).join(', ')}`;
    default:
      return undefined;
  }
};
