/**
 * A payment provider. Repeating a call with the same key has no further effect. The signal of a call ends
 * the wait, not its effect: the outcome is unknown then. Callers wait no longer even if it is ignored.
 */
export type PaymentProvider = {
  /**
   * Charges once per key.
   * @param charge.amountMinor in minor units of `currency`
   * @throws Error of any kind: the outcome is unknown
   */
  charge(charge: Charge, signal: AbortSignal): Promise<'approved' | 'declined'>;

  /** The outcome of a charge: `unknown` if it never arrived or is not decided yet. */
  lookUp(key: string, signal: AbortSignal): Promise<'approved' | 'declined' | 'unknown'>;

  /** Declines a charge permanently, unless it is approved already. */
  abandon(charge: Omit<Charge, 'token'>, signal: AbortSignal): Promise<'approved' | 'declined'>;

  /** Refunds an approved charge, once per key. */
  refund(key: string, signal: AbortSignal): Promise<void>;
};

export type Charge = {
  /** The payment's id, which is the idempotency key at the provider. */
  key: string;
  amountMinor: number;
  currency: string;
  token: string | undefined;
};
