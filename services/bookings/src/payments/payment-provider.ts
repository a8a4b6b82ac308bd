/** A payment provider. Repeating a call with the same key has no further effect. */
export type PaymentProvider = {
  /**
   * Charges once per key.
   * @param charge.amountMinor in minor units of `currency`
   * @param signal aborts the wait, not the charge: the outcome is unknown then
   * @throws Error of any kind: the outcome is unknown
   */
  charge(charge: Charge, signal: AbortSignal): Promise<'approved' | 'declined'>;

  /** The outcome of a charge: `unknown` if it never arrived or is not decided yet. */
  lookUp(key: string): Promise<'approved' | 'declined' | 'unknown'>;

  /** Declines a charge permanently, unless it is approved already. */
  abandon(charge: Omit<Charge, 'token'>): Promise<'approved' | 'declined'>;

  /** Refunds an approved charge, once per key. */
  refund(key: string): Promise<void>;
};

export type Charge = {
  /** The payment's id, which is the idempotency key at the provider. */
  key: string;
  amountMinor: number;
  currency: string;
  token: string | undefined;
};
