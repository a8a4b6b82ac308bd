/** What a payment provider must offer. Every call may be repeated with the same key to the same effect. */
export type PaymentProvider = {
  /**
   * Charges once per key.
   * @param charge.amountMinor in minor units of `currency`
   * @param signal aborts the wait, not the charge: after it the outcome is in doubt
   * @throws anything: the outcome is in doubt
   */
  charge(charge: Charge, signal: AbortSignal): Promise<'approved' | 'declined'>;

  /** What became of a charge: `unknown` when it never arrived or has no outcome yet. */
  lookUp(key: string): Promise<'approved' | 'declined' | 'unknown'>;

  /** Calls a charge off for good, unless it was approved before. After `declined` it can never be made. */
  abandon(charge: Omit<Charge, 'token'>): Promise<'approved' | 'declined'>;

  /** Pays an approved charge back, once per key. */
  refund(key: string): Promise<void>;
};

export type Charge = {
  /** The payment's id in our books: the provider's own idempotency key. */
  key: string;
  amountMinor: number;
  currency: string;
  token: string | undefined;
};
