import type { KubeObject } from '../runtime/kube-object.ts';
import type { Observed } from './observed.ts';

/** Shorter ones are words that occur anywhere, such as "postgres" as a user's name. */
const shortestSecret = 6;

/** Takes the values of every Secret at hand out of what is said. */
export type Redactor = <T>(value: T) => T;

/**
 * Of every field `message` in a value: a program's last words come into messages, and nobody knows what
 * a program says when it dies.
 */
export const redactorOf = (observed: Observed): Redactor => {
  const objects = [...observed.children.values(), ...observed.given.values()];
  const values = objects.filter(({ kind }) => kind === 'Secret').flatMap(hiddenIn);
  const { databasePassword, adminPassword } = observed.fresh;
  // The longest first: one may be a part of another.
  const hidden = [...new Set([...values, databasePassword, adminPassword])]
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

/** Before anything is cut to length, for half a password is too much as well. */
export const redactObserved = (observed: Observed, redact: Redactor): Observed => ({
  ...observed,
  pods: redact(observed.pods),
  warnings: redact(observed.warnings),
  applyErrors: new Map([...observed.applyErrors].map(([key, error]) => [key, redact(error)])),
  children: new Map(
    [...observed.children].map(([key, child]) =>
      'status' in child ? [key, { ...child, status: redact(child['status']) }] : [key, child],
    ),
  ),
});

/** Passwords and keys, as they are, as they are stored, and as a URL has them. */
const hiddenIn = (secret: KubeObject): string[] => {
  const data = Object.entries((secret['data'] as Record<string, string> | undefined) ?? {});
  return data
    .filter(([key]) => !publicKeys.has(key))
    .flatMap(([, encoded]) => {
      const value = Buffer.from(encoded, 'base64').toString('utf8');
      return [value, encoded, encodeURIComponent(value)];
    });
};

const publicKeys = new Set(['username', 'host', 'port', 'database', 'tls.crt', 'ca.crt']);
