import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { makeTestTokens, type TestTokens } from '@movie-ticketing/kit/testing/tokens';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const composition = new URL('../src/bookings.composition.ts', import.meta.url).href;

/** The bookings service as a process that can be killed. */
export type CrashProcess = {
  url: string;
  managementUrl: string;
  isAlive: () => boolean;
  /** SIGKILL; resolves once the process has ended. */
  kill: () => Promise<void>;
  /** Log lines of level error and above. */
  errors: string[];
};

export type CrashHost = {
  tokens: TestTokens;
  /** @param program instead of the service's own main.ts, with its arguments */
  start: (databaseUrl: string, program?: readonly string[]) => Promise<CrashProcess>;
  /** Kills all processes that are still running. */
  stop: () => Promise<void>;
};

/** Shorter than in production, so that every payment and hold ends within the test. */
const settings = {
  PAYMENT_TIMEOUT_SECONDS: '1',
  PAYMENT_ABANDON_SECONDS: '6',
  // A few users send thousands of requests.
  RATE_LIMITS: 'off',
};

/** Starts real processes, and a server that publishes signing keys like the users service. */
export const startCrashHost = async (env: Record<string, string> = {}): Promise<CrashHost> => {
  const tokens = await makeTestTokens();
  const jwks = createServer((_req, res) => {
    void tokens.source().then((keys) => res.end(JSON.stringify(keys)));
  });
  jwks.listen(0, '127.0.0.1');
  await once(jwks, 'listening');
  const cache = mkdtempSync(join(tmpdir(), 'movie-ticketing-crash-'));
  const environment = {
    PATH: process.env['PATH'],
    HOST: '127.0.0.1',
    PORT: '0',
    MANAGEMENT_PORT: '0',
    LOG_LEVEL: 'info',
    JWT_JWKS_URL: `http://127.0.0.1:${String((jwks.address() as AddressInfo).port)}/`,
    NODE_COMPILE_CACHE: cache,
    ...settings,
    ...env,
  };
  await fillCompileCache(environment);
  const started: CrashProcess[] = [];
  return {
    tokens,
    start: async (databaseUrl, program = [main]) => {
      const it = await launch(program, { ...environment, DATABASE_URL: databaseUrl });
      started.push(it);
      return it;
    },
    stop: async () => {
      await Promise.all(started.map((it) => it.kill()));
      jwks.close();
      rmSync(cache, { recursive: true, force: true });
    },
  };
};

/** Halves the time of later starts. Written here because only a process that exits normally writes it. */
const fillCompileCache = async (env: NodeJS.ProcessEnv): Promise<void> => {
  const load = `await import(${JSON.stringify(composition)})`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', load], {
    env,
    stdio: 'ignore',
  });
  await once(child, 'exit');
};

const launch = async (
  program: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<CrashProcess> => {
  const child = spawn(process.execPath, program, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  const errors: string[] = [];
  const ports = await readPorts(child, errors);
  return {
    url: `http://127.0.0.1:${String(ports.port)}`,
    managementUrl: `http://127.0.0.1:${String(ports.management_port)}`,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    errors,
  };
};

type Line = { level: string; message: string; port: number; management_port: number };

/** Resolves at the log line with the ports, and continues to read, because a full pipe would block the process. */
const readPorts = (child: ChildProcess, errors: string[]): Promise<Line> =>
  new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('the child has no output');
    createInterface({ input: child.stdout }).on('line', (text) => {
      // Most lines are requests.
      if (text.includes('"listening"')) resolve(JSON.parse(text) as Line);
      else if (/^\{"level":"(error|fatal)"/.test(text)) errors.push(text);
    });
    child.once('exit', (code) => {
      reject(new Error(`the service exited before it listened (code ${String(code)})`));
    });
  });
