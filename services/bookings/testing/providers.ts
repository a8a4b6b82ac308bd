import type { Charge, PaymentProvider } from '../src/payments/payment-provider.ts';

export type WatchedProvider = PaymentProvider & {
  /** The key of every call, in order. */
  charges: Charge[];
  refunds: string[];
  abandoned: string[];
};

/** Records every call and forwards it. */
export const watched = (provider: PaymentProvider): WatchedProvider => {
  const charges: Charge[] = [];
  const refunds: string[] = [];
  const abandoned: string[] = [];
  return {
    charges,
    refunds,
    abandoned,
    charge: (charge, signal) => {
      charges.push(charge);
      return provider.charge(charge, signal);
    },
    lookUp: (key, signal) => provider.lookUp(key, signal),
    abandon: (charge, signal) => {
      abandoned.push(charge.key);
      return provider.abandon(charge, signal);
    },
    refund: (key, signal) => {
      refunds.push(key);
      return provider.refund(key, signal);
    },
  };
};

export type Gate = { reached: Promise<void>; open: () => void };

/** Delays every charge until the gate opens; only then the provider is called. */
export const gated = (provider: PaymentProvider): { provider: PaymentProvider; gate: Gate } => {
  let reach: () => void = () => undefined;
  let open: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    gate: { reached, open },
    provider: {
      ...provider,
      charge: async (charge, signal) => {
        reach();
        await opened;
        return provider.charge(charge, signal);
      },
    },
  };
};
