import { fork } from 'node:child_process';
import { join } from 'node:path';

/** One request of a load. A load repeats its requests until its time is over. */
export type LoadRequest = { path: string; token?: string; body?: string };

export type LoadPlan = {
  /** `http://127.0.0.1:1234` */
  url: string;
  method: 'GET' | 'POST';
  clients: number;
  seconds: number;
  requests: readonly LoadRequest[];
  /** The beginning of each request's Idempotency-Key; undefined: requests have none. */
  keyPrefix: string | undefined;
};

export type LoadResult = {
  /** The measured duration. */
  seconds: number;
  /** Responses with 200 or 201. */
  good: number;
  /** Other responses, by status. */
  others: Record<string, number>;
  /** Lost connections and time-outs. */
  errors: number;
  /** Latency of good responses in milliseconds. */
  p50: number;
  p99: number;
  /** Processor time of the load generator per response, in microseconds. */
  generatorMicros: number;
};

export type LoadGenerator = {
  run: (plan: LoadPlan) => Promise<LoadResult>;
  close: () => void;
};

/** Starts the load generator in a process of its own, so that it does not share the server's event loop. */
export const startLoadGenerator = (): LoadGenerator => {
  const child = fork(join(import.meta.dirname, 'load.main.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced', // JSON has no NaN, the percentile of no responses
  });
  const run = (plan: LoadPlan): Promise<LoadResult> =>
    new Promise((resolve, reject) => {
      const onExit = (): void => {
        reject(new Error('the load generator exited'));
      };
      child.once('exit', onExit);
      child.once('message', (result) => {
        child.off('exit', onExit);
        resolve(result as LoadResult);
      });
      child.send(plan);
    });
  return {
    run,
    close: () => {
      child.kill('SIGKILL');
    },
  };
};
