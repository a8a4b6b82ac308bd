import { randomBytes } from 'node:crypto';

import bcrypt from 'bcrypt';

import { maximumPasswordBytes, normalizePassword, passwordBytes } from './passwords.schema.ts';

/** The two functions of bcrypt that are used; a test counts the calls. */
export type Bcrypt = {
  hash(password: string, cost: number): Promise<string>;
  compare(password: string, hash: string): Promise<boolean>;
};

export type Passwords = {
  hash(password: string): Promise<string>;
  /**
   * Compares a password with a hash. Without a hash (no user has this e-mail address) it does the work
   * of a comparison all the same and returns false, so that the time does not reveal it.
   */
  matches(password: string, hash: string | undefined): Promise<boolean>;
  /** A hash of another cost takes another time to compare, which reveals that its user exists. */
  isOutdated(hash: string): boolean;
  /** How long one hash takes on this machine. */
  hashMs: number;
};

/** bcrypt of passwords in NFC. Callers take turns in the password queue. */
export const makePasswords = async (options: {
  cost: number;
  bcrypt?: Bcrypt;
}): Promise<Passwords> => {
  const { hash, compare } = options.bcrypt ?? bcrypt;
  const started = performance.now();
  const hashOfUnknownPassword = await hash(randomBytes(24).toString('base64'), options.cost);
  const hashMs = performance.now() - started;
  return {
    hash: (password) => hash(normalizePassword(password), options.cost),
    matches: async (password, known) => {
      // bcrypt would compare the first 72 bytes of a longer password and accept it.
      const isPossible = known !== undefined && passwordBytes(password) <= maximumPasswordBytes;
      const against = isPossible ? toBcryptPrefix(known) : hashOfUnknownPassword;
      const isEqual = await compare(normalizePassword(password), against);
      return isPossible && isEqual;
    },
    isOutdated: (known) =>
      !toBcryptPrefix(known).startsWith(`$2b$${String(options.cost).padStart(2, '0')}$`),
    hashMs,
  };
};

/** PHP and Go write `$2y$` for the same hash, which the bcrypt package refuses. */
const toBcryptPrefix = (hash: string): string => hash.replace(/^\$2y\$/, '$2b$');
