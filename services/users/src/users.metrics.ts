import { Gauge, makeCounter, type Registry } from '@movie-ticketing/kit/metrics';
import { Problem, type ProblemCode } from '@movie-ticketing/kit/problems';

export type SignInMetrics = {
  /** Counts the outcome of a sign-in. */
  observe<T>(signIn: () => Promise<T>): Promise<T>;
};

const outcomes: Partial<Record<ProblemCode, string>> = {
  invalid_credentials: 'wrong',
  too_many_requests: 'limited',
  overloaded: 'overloaded',
};

export const makeSignInMetrics = (registry: Registry): SignInMetrics => {
  const counter = makeCounter(
    registry,
    'users_sign_ins_total',
    'Sign-ins by outcome: succeeded, wrong, limited, overloaded, failed',
    ['outcome'],
  );
  return {
    observe: async (signIn) => {
      try {
        const result = await signIn();
        counter.inc({ outcome: 'succeeded' });
        return result;
      } catch (error) {
        const outcome = error instanceof Problem ? outcomes[error.code] : undefined;
        counter.inc({ outcome: outcome ?? 'failed' });
        throw error;
      }
    },
  };
};

/** The length of the password queue, read when the metrics are scraped. */
export const observePasswordQueue = (registry: Registry, waiting: () => number): void => {
  new Gauge({
    name: 'users_password_queue_waiting',
    help: 'Passwords that wait to be hashed or compared',
    registers: [registry],
    collect() {
      this.set(waiting());
    },
  });
};
