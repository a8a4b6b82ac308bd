import { fork } from 'node:child_process';
import { join } from 'node:path';

import { z } from 'zod';

import type { Variant } from './cells.ts';

/** A request to the server process over its IPC channel. */
export type ServerRequest = { ask: 'usage' | 'start-profile' | 'stop-profile'; file?: string };

export type BenchServer = {
  url: string;
  /** Processor time since the server's start in seconds: all its threads, without the database's. */
  processorSeconds: () => Promise<number>;
  startProfile: () => Promise<void>;
  /** Stops the profiler and writes its CPU profile to a file for Chrome's developer tools. */
  stopProfile: (file: string) => Promise<void>;
  stop: () => Promise<void>;
};

const ready = z.object({ url: z.url() });
const usage = z.object({ user: z.number(), system: z.number() });

/** Starts the whole API as a child process; resolves once it listens. */
export const startServer = async (options: {
  variant: Variant;
  databaseUrl: string;
  /** Default: 127.0.0.1. Containers connect to another address. */
  host?: string;
}): Promise<BenchServer> => {
  const { variant, databaseUrl, host = '127.0.0.1' } = options;
  const child = fork(join(import.meta.dirname, 'server.main.ts'), [variant], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      HOST: host,
      PORT: '0',
      MANAGEMENT_PORT: '0',
      LOG_LEVEL: 'warn',
      RATE_LIMITS: 'off',
      BCRYPT_COST: '4', // only used to register users
      JWT_ACCESS_TOKEN_SECONDS: '7200', // longer than a run
      HOLD_MINUTES: '600', // no hold expires during a run
    },
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const nextMessage = (): Promise<unknown> =>
    Promise.race([
      new Promise<unknown>((resolve) => child.once('message', resolve)),
      exited.then(() => Promise.reject(new Error(`the server (${variant}) has ended`))),
    ]);
  const request = (what: ServerRequest): Promise<unknown> => {
    child.send(what);
    return nextMessage();
  };
  return {
    url: ready.parse(await nextMessage()).url,
    processorSeconds: async () => {
      const { user, system } = usage.parse(await request({ ask: 'usage' }));
      return (user + system) / 1e6;
    },
    startProfile: async () => {
      await request({ ask: 'start-profile' });
    },
    stopProfile: async (file) => {
      await request({ ask: 'stop-profile', file });
    },
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
};
