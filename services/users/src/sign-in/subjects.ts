import { createHash } from 'node:crypto';

import { canonicalEmail } from '../users/email-address.ts';

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A network as the database knows it: a hash, so that no table holds IP addresses. */
export const networkHash = (network: string): Buffer => sha256(network);

/** An e-mail address and a network together. */
export const pairHash = (email: string, network: string): Buffer =>
  sha256(`${canonicalEmail(email) ?? email}|${network}`);
