import type { KubeObject } from '../runtime/kube-object.ts';
import type { Observed } from '../steps/observed.ts';

/** Shorter values are words that occur anywhere, such as the user name "postgres". */
const shortestSecret = 6;

/** Replaces every known Secret value in messages. */
export type Redactor = <T>(value: T) => T;

/**
 * Applies to every field `message` of a value: termination messages of programs become part of messages,
 * and a program may print anything.
 */
export const makeRedactor = (observed: Observed): Redactor => {
  const objects = [...observed.owned.values(), ...observed.referenced.values()];
  const values = objects.filter(({ kind }) => kind === 'Secret').flatMap(secretValues);
  const { databasePassword, adminPassword, loginPasswords } = observed.fresh;
  // The longest first: one may be a part of another.
  const hidden = [
    ...new Set([...values, databasePassword, adminPassword, ...Object.values(loginPasswords)]),
  ]
    .filter((value) => value.length >= shortestSecret)
    .sort((a, b) => b.length - a.length);
  const redact = (value: unknown, field: string): unknown => {
    if (typeof value === 'string') {
      if (field !== 'message') return value;
      return hidden.reduce((text, secret) => text.replaceAll(secret, '(hidden)'), value);
    }
    if (Array.isArray(value)) return value.map((item) => redact(item, field));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, redact(inner, name)]),
    );
  };
  return <T>(value: T): T => redact(value, '') as T;
};

/** Before any message is shortened: half a password is too much as well. */
export const redactObserved = (observed: Observed, redact: Redactor): Observed => ({
  ...observed,
  pods: redact(observed.pods),
  warnings: redact(observed.warnings),
  refusals: new Map(
    [...observed.refusals].map(([key, refusal]) => [
      key,
      { ...refusal, ...redact({ message: refusal.message }) },
    ]),
  ),
  owned: new Map(
    [...observed.owned].map(([key, object]) =>
      'status' in object ? [key, { ...object, status: redact(object['status']) }] : [key, object],
    ),
  ),
});

/** Passwords and keys in plain, base64 and URL-encoded form. */
const secretValues = (secret: KubeObject): string[] => {
  const data = Object.entries((secret['data'] as Record<string, string> | undefined) ?? {});
  return data
    .filter(([key]) => !publicKeys.has(key) && !key.endsWith('-username'))
    .flatMap(([, encoded]) => {
      const value = Buffer.from(encoded, 'base64').toString('utf8');
      return [value, encoded, encodeURIComponent(value)];
    });
};

const publicKeys = new Set(['username', 'host', 'port', 'database', 'tls.crt', 'ca.crt']);
